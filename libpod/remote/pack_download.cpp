#include "remote/pack_download.hpp"

#include "objects/download.hpp"
#include "remote/layout.hpp"
#include "remote/parallel.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <thread>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t leftover_age = 7 * 86400;

}  // namespace

IncomingFolder::IncomingFolder(const fs::path& folder, std::chrono::milliseconds wait, const Context& context)
    : path_(folder) {
  std::error_code error;
  fs::create_directory(path_, error);
  if (error) base::throw_errno(error.value(), "create the folder", path_);
  lock_ = base::open_file(path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const auto until = std::chrono::steady_clock::now() + wait;
  while (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) base::throw_errno(errno, "lock", path_);
    context.cancel->check();
    if (std::chrono::steady_clock::now() > until)
      throw Error(ErrorCode::busy, "another fetch into this store is under way").hint("wait for it to end");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::int64_t now = std::time(nullptr);
  for (const fs::directory_entry& entry : fs::directory_iterator(path_, error)) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) == 0 && now - status.st_mtime > leftover_age) fs::remove(entry, error);
  }
}

fs::path IncomingFolder::named(const PackInfo& pack, const char* extension) const {
  return path_ / (digest::hex(pack.pack.sha256) + extension);
}

fs::path IncomingFolder::file_of(const PackInfo& pack) const { return named(pack, ".pack"); }
fs::path IncomingFolder::index_of(const PackInfo& pack) const { return named(pack, ".idx"); }
fs::path IncomingFolder::stretches_of(const PackInfo& pack) const { return named(pack, ".stretches"); }

bool IncomingFolder::has(const PackInfo& pack, const CancelToken& cancel) const {
  const fs::path file = file_of(pack);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(file, error))) return false;
  digest::Sha256 hash;
  std::uint64_t size = 0;
  {
    base::FileSource source(file);
    std::vector<std::byte> buffer(256 << 10);
    for (std::size_t got = 0; (got = source.read(buffer)) > 0; size += got) {
      cancel.check();
      hash.update(base::ConstBytes(buffer.data(), got));
    }
  }
  if (size == pack.pack.size && hash.finish() == pack.pack.sha256) return true;
  fs::remove(file);  // the machine went down before it was on the disk
  return false;
}

void IncomingFolder::remove(const std::vector<PackInfo>& packs) const noexcept {
  std::error_code error;
  for (const PackInfo& pack : packs)
    for (const char* extension : {".pack", ".pack.part", ".pack.part-note", ".idx", ".idx.part", ".idx.part-note",
                                  ".stretches", ".stretches-note"})
      fs::remove(named(pack, extension), error);
}

std::optional<Downloaded> download_packs(objects::ObjectStore& store, const std::vector<PackInfo>& packs,
                                         const IncomingFolder& folder, unsigned connections, const Context& context) {
  Downloaded out;
  std::vector<const PackInfo*> small;
  std::vector<const PackInfo*> large;
  const objects::DownloadOptions options{.connections = static_cast<int>(connections), .durable = false};
  for (const PackInfo& pack : packs) {
    out.files.push_back(folder.file_of(pack));
    if (folder.has(pack, *context.cancel)) continue;
    (pack.pack.size <= options.range ? small : large).push_back(&pack);
    out.received += pack.pack.size;
  }
  std::atomic<bool> gone{false};
  const auto fetch = [&](const PackInfo& pack) {
    try {
      objects::download(store, pack_key(pack.day, pack.pack.sha256), pack.pack.size, pack.pack.sha256,
                        folder.file_of(pack), options, context);
    } catch (const Error& failure) {
      if (failure.code() != ErrorCode::not_found) throw;
      gone = true;
    }
  };
  // Those of one request side by side; of the others each in ranges side by side.
  in_parallel(small.size(), connections, [&](std::size_t i) { fetch(*small[i]); });
  for (const PackInfo* pack : large)
    if (!gone) fetch(*pack);
  return gone ? std::nullopt : std::optional(std::move(out));
}

}  // namespace pod::remote
