#include "remote/content_download.hpp"

#include "base/files.hpp"
#include "git/deflate.hpp"
#include "objects/download.hpp"
#include "remote/content_fetch.hpp"
#include "remote/kept_stretches.hpp"
#include "remote/layout.hpp"
#include "remote/parallel.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <atomic>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_piece = 8ull << 20;  // of a long stretch, so that several are fetched side by side

struct Piece {
  std::size_t pack = 0;
  KeptStretches::Range range;
};

class Content {
 public:
  Content(objects::ObjectStore& store, const std::vector<PackInfo>& packs, const IncomingFolder& incoming,
          unsigned connections, const Context& context)
      : store_(store), packs_(packs), incoming_(incoming), connections_(connections), context_(context) {}

  void fetch_indexes() {
    in_parallel(packs_.size(), connections_, [&](std::size_t i) {
      const PackInfo& pack = packs_[i];
      const fs::path file = incoming_.index_of(pack);
      std::error_code error;
      // Its checksum is looked at when it is opened.
      if (fs::file_size(file, error) == pack.index->size && !error) return;
      try {
        objects::download(store_, index_key(pack.day, pack.index->sha256), pack.index->size, pack.index->sha256, file,
                          {.connections = 1, .durable = false}, context_);
        received_ += pack.index->size;
      } catch (const Error& failure) {
        if (failure.code() != ErrorCode::not_found) throw;
        gone_ = true;
      }
    });
  }

  void add_packs(ContentFetch& fetch) {
    for (const PackInfo& pack : packs_) {
      // An earlier try may have wanted the whole pack.
      if (incoming_.has(pack, *context_.cancel)) {
        kept_.push_back(nullptr);
        fetch.add_pack(pack, incoming_.index_of(pack), incoming_.file_of(pack));
      } else {
        kept_.push_back(std::make_unique<KeptStretches>(incoming_.stretches_of(pack), pack.pack.size));
        fetch.add_pack(pack, incoming_.index_of(pack), kept_.back()->file());
      }
    }
  }

  void fetch_stretches(const std::vector<Stretch>& wanted) {
    std::vector<Piece> pieces;
    for (const Stretch& stretch : wanted) {
      if (!kept_[stretch.pack]) continue;
      for (const auto& [begin, end] : kept_[stretch.pack]->lacking(stretch.begin, stretch.end))
        for (std::uint64_t at = begin; at < end; at += most_piece)
          pieces.push_back({stretch.pack, {at, std::min(end, at + most_piece)}});
    }
    in_parallel(pieces.size(), connections_, [&](std::size_t i) { fetch_piece(pieces[i]); });
  }

  /// One of them is not there (any more).
  bool gone() const noexcept { return gone_; }
  std::uint64_t received() const noexcept { return received_; }

 private:
  void fetch_piece(const Piece& piece) {
    const PackInfo& pack = packs_[piece.pack];
    const auto& [begin, end] = piece.range;
    std::uint64_t at = begin;
    std::uint32_t crc = 0;
    objects::ReadOptions options;
    options.offset = begin;
    options.length = end - begin;
    options.limit = end - begin;
    const auto result = store_.get(pack_key(pack.day, pack.pack.sha256), options, [&](base::ConstBytes bytes) {
      kept_[piece.pack]->write(at, bytes);
      crc = git::crc32_of(crc, bytes);
      at += bytes.size();
      context_.progress->advance(bytes.size());
    });
    if (result.status == objects::ReadStatus::absent) {
      gone_ = true;
      return;
    }
    if (at != end)
      throw Error(ErrorCode::corrupt,
                  "the pack " + quote(digest::hex(pack.pack.sha256)) + " of the remote is cut short");
    kept_[piece.pack]->note(piece.range, crc);
    received_ += end - begin;
  }

  objects::ObjectStore& store_;
  const std::vector<PackInfo>& packs_;
  const IncomingFolder& incoming_;
  const unsigned connections_;
  const Context& context_;
  std::vector<std::unique_ptr<KeptStretches>> kept_;  // by pack; null: the whole pack is there
  std::atomic<bool> gone_{false};
  std::atomic<std::uint64_t> received_{0};
};

}  // namespace

std::optional<DownloadedContent> download_content(objects::ObjectStore& store, const std::vector<PackInfo>& packs,
                                                  const std::shared_ptr<git::ObjectDatabase>& have,
                                                  const std::vector<Oid>& commits, const IncomingFolder& incoming,
                                                  const fs::path& folder, unsigned connections,
                                                  const Context& context) {
  Content content(store, packs, incoming, connections, context);
  content.fetch_indexes();
  if (content.gone()) return std::nullopt;
  ContentFetch fetch(folder / "stretches", have, commits, context);
  content.add_packs(fetch);
  for (auto wanted = fetch.next(); !wanted.empty(); wanted = fetch.next()) {
    content.fetch_stretches(wanted);
    if (content.gone()) return std::nullopt;
  }
  fs::create_directory(folder / "content");
  DownloadedContent out;
  out.packs = fetch.finish({.folder = folder / "content"});
  out.received = content.received();
  return out;
}

}  // namespace pod::remote
