#include "remote/pack_download.hpp"

#include "objects/download.hpp"
#include "remote/layout.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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

fs::path IncomingFolder::file_of(const PackInfo& pack) const {
  return path_ / (digest::hex(pack.pack.sha256) + ".pack");
}

void IncomingFolder::remove(const std::vector<PackInfo>& packs) const noexcept {
  std::error_code error;
  for (const PackInfo& pack : packs) fs::remove(file_of(pack), error);
}

std::optional<Downloaded> download_packs(objects::ObjectStore& store, const std::vector<PackInfo>& packs,
                                         const IncomingFolder& folder, unsigned connections, const Context& context) {
  Downloaded out;
  // One after the other: each in ranges side by side.
  for (const PackInfo& pack : packs) {
    const fs::path& file = out.files.emplace_back(folder.file_of(pack));
    std::error_code error;
    if (fs::file_size(file, error) == pack.pack.size && !error) continue;  // it was checked before it got its name
    try {
      objects::download(store, pack_key(pack.day, pack.pack.sha256), pack.pack.size, pack.pack.sha256, file,
                        {.connections = static_cast<int>(connections)}, context);
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::not_found) return std::nullopt;
      throw;
    }
    out.received += pack.pack.size;
  }
  return out;
}

}  // namespace pod::remote
