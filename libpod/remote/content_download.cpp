#include "remote/content_download.hpp"

#include "base/files.hpp"
#include "git/pack_output.hpp"
#include "objects/download.hpp"
#include "remote/content_fetch.hpp"
#include "remote/layout.hpp"
#include "remote/parallel.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <algorithm>
#include <atomic>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t piece = 8ull << 20;  // of a long stretch, so that several are fetched side by side

std::vector<Stretch> in_pieces(const std::vector<Stretch>& stretches) {
  std::vector<Stretch> pieces;
  for (const Stretch& stretch : stretches)
    for (std::uint64_t at = stretch.begin; at < stretch.end; at += piece)
      pieces.push_back({stretch.pack, at, std::min(stretch.end, at + piece)});
  return pieces;
}

/// False where the pack is not there.
bool fetch_stretch(objects::ObjectStore& store, const PackInfo& pack, const Stretch& stretch, const fs::path& file,
                   const Context& context) {
  const base::Fd fd = base::open_file(file, O_WRONLY | O_NOFOLLOW);
  std::uint64_t at = stretch.begin;
  objects::ReadOptions options;
  options.offset = stretch.begin;
  options.length = stretch.end - stretch.begin;
  options.limit = *options.length;
  const auto result = store.get(pack_key(pack.day, pack.pack.sha256), options, [&](base::ConstBytes bytes) {
    git::write_at(fd.get(), base::text_of(bytes), at, file);
    at += bytes.size();
    context.progress->advance(bytes.size());
  });
  if (result.status == objects::ReadStatus::absent) return false;
  if (at != stretch.end)
    throw Error(ErrorCode::corrupt, "the pack " + quote(digest::hex(pack.pack.sha256)) + " of the remote is cut short");
  return true;
}

}  // namespace

std::optional<DownloadedContent> download_content(objects::ObjectStore& store, const std::vector<PackInfo>& packs,
                                                  const std::shared_ptr<git::ObjectDatabase>& have,
                                                  const std::vector<Oid>& commits, const fs::path& folder,
                                                  unsigned connections, const Context& context) {
  DownloadedContent out;
  const fs::path indexes = folder / "indexes";
  fs::create_directory(indexes);
  std::atomic<bool> gone{false};
  const auto index_of = [&](const PackInfo& pack) { return indexes / (digest::hex(pack.index->sha256) + ".idx"); };
  in_parallel(packs.size(), connections, [&](std::size_t i) {
    try {
      objects::download(store, index_key(packs[i].day, packs[i].index->sha256), packs[i].index->size,
                        packs[i].index->sha256, index_of(packs[i]), {.connections = 1}, context);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) throw;
      gone = true;
    }
  });
  if (gone) return std::nullopt;
  ContentFetch fetch(folder / "stretches", have, commits, context);
  for (const PackInfo& pack : packs) {
    fetch.add_pack(pack, index_of(pack));
    out.received += pack.index->size;
  }
  for (auto wanted = fetch.next(); !wanted.empty(); wanted = fetch.next()) {
    const std::vector<Stretch> pieces = in_pieces(wanted);
    in_parallel(pieces.size(), connections, [&](std::size_t i) {
      const Stretch& stretch = pieces[i];
      if (!fetch_stretch(store, packs[stretch.pack], stretch, fetch.file(stretch.pack), context)) gone = true;
    });
    if (gone) return std::nullopt;
  }
  out.received += fetch.bytes();
  fs::create_directory(folder / "content");
  out.packs = fetch.finish({.folder = folder / "content"});
  return out;
}

}  // namespace pod::remote
