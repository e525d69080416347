#include "flow/sending.hpp"

#include "base/files.hpp"
#include "flow/progress_step.hpp"
#include "git/pack_file.hpp"
#include "remote/compaction.hpp"
#include "remote/pack_download.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>

namespace pod::flow {
namespace {

constexpr unsigned connections = 4;
constexpr std::uint64_t share_from = 1ull << 20;

class Sending {
 public:
  Sending(objects::ObjectStore& remote, const SendFolders& folders, const Context& context)
      : remote_(remote), folders_(folders), context_(context), work_(folders.spool) {}

  Sent send(const git::ObjectTable& table, git::ObjectDatabase& objects, const remote::MissingObjects& missing,
            const std::vector<remote::PackInfo>& there, std::int64_t since) {
    std::vector<remote::OutgoingPack> packs;
    {
      const ProgressStep step(context_, "packing", missing.stored_bytes);
      packs = remote::write_packs(table, objects, missing, {.folder = work_.path()}, context_);
    }
    Sent sent;
    join_small_packs(there, packs, sent.replaced);
    std::vector<remote::Upload> uploads;
    std::uint64_t bytes = 0;
    for (const remote::OutgoingPack& pack : packs) {
      uploads.push_back(remote::upload_of(pack));
      bytes += pack.info.pack.size;
    }
    const ProgressStep step(context_, "sending", bytes);
    sent.uploaded = remote::upload(remote_, since, uploads, {}, context_);
    return sent;
  }

 private:
  void join_small_packs(const std::vector<remote::PackInfo>& there, std::vector<remote::OutgoingPack>& packs,
                        std::vector<digest::Sha256Value>& replaced) {
    std::vector<remote::PackInfo> all = there;
    for (const remote::OutgoingPack& pack : packs) all.push_back(pack.info);
    const std::vector<std::size_t> places = remote::packs_to_compact(all);
    if (places.empty()) return;
    const ProgressStep step(context_, "joining packs", std::nullopt);
    std::vector<remote::PackInfo> wanted;
    for (const std::size_t place : places)
      if (place < there.size()) wanted.push_back(there[place]);
    const remote::IncomingFolder incoming(folders_.incoming, std::chrono::seconds(30), context_);
    if (!remote::download_packs(remote_, wanted, incoming, connections, context_))
      throw Error(ErrorCode::busy, "the remote's packs changed meanwhile").hint("push again");
    std::vector<remote::RemotePackFile> files;
    for (const std::size_t place : places)
      files.push_back(
          {place < there.size() ? incoming.file_of(there[place]) : packs[place - there.size()].pack, all[place]});
    std::vector<remote::OutgoingPack> joined;
    try {
      joined = remote::compact(files, folders_.spool, {.folder = work_.path()}, context_);
    } catch (const Error& error) {
      // Whoever sent such a pack must not keep others from pushing, as long as the manifest has room.
      if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::refused) throw;
      incoming.remove(wanted);
      context_.progress->warn("packs of the remote could not be joined: " + error.message());
      return;
    }
    incoming.remove(wanted);
    for (const remote::PackInfo& pack : wanted) replaced.push_back(pack.pack.sha256);
    std::size_t place = there.size();
    std::erase_if(packs, [&](const remote::OutgoingPack&) {
      return std::find(places.begin(), places.end(), place++) != places.end();
    });
    packs.insert(packs.end(), std::make_move_iterator(joined.begin()), std::make_move_iterator(joined.end()));
  }

  objects::ObjectStore& remote_;
  const SendFolders& folders_;
  const Context& context_;
  base::TempFolder work_;
};

}  // namespace

git::ObjectTable read_table(const std::filesystem::path& objects, const Context& context) {
  constexpr int most_tries = 5;
  for (int tried = 1;; ++tried) {
    try {
      return git::ObjectTable::read(objects, {}, context);
    } catch (const git::PackVanished&) {
      if (tried == most_tries) throw Error(ErrorCode::busy, "the store's packs change too fast").hint("try again");
    }
  }
}

Outstanding find_outstanding(objects::ObjectStore& remote, const PodName& pod,
                             const std::optional<remote::PodState>& state,
                             const std::function<std::optional<remote::PodState>(const PodName&)>& seen,
                             const git::ObjectTable& table, git::ObjectDatabase& objects, remote::Gap gap,
                             const std::filesystem::path& spool, const Context& context) {
  Outstanding out{.missing = remote::find_missing(table, objects, gap, context), .shared = {}};
  if (out.missing.stored_bytes < share_from) return out;
  const ProgressStep step(context, "looking for what other pods share", std::nullopt);
  std::set<digest::Sha256Value> own;
  if (state && state->manifest)
    for (const remote::PackInfo& pack : state->manifest->packs) own.insert(pack.pack.sha256);
  // Indexes that were fetched stay open.
  const base::TempFolder indexes(spool);
  out.shared = remote::find_shared_packs(remote, pod, own, seen, table, out.missing, indexes.path(), {}, context);
  gap.in_remote = out.shared.holder();
  if (gap.in_remote) out.missing = remote::find_missing(table, objects, gap, context);
  return out;
}

Sent send_missing(objects::ObjectStore& remote, const git::ObjectTable& table, git::ObjectDatabase& objects,
                  const remote::MissingObjects& missing, const std::vector<remote::PackInfo>& there, std::int64_t since,
                  const SendFolders& folders, const Context& context) {
  return Sending(remote, folders, context).send(table, objects, missing, there, since);
}

}  // namespace pod::flow
