#include "git/digested_pack.hpp"

#include "git/pack_output.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_size = 1 << 20;
constexpr std::size_t most_waiting = 4;

std::string_view bytes_of_id(const Oid& id) { return {reinterpret_cast<const char*>(id.bytes().data()), Oid::size}; }

/// SHA-1 and SHA-256 of what comes, beside whoever writes it.
class Digests {
 public:
  Digests() : thread_([this] { work(); }) {}
  Digests(const Digests&) = delete;
  Digests& operator=(const Digests&) = delete;
  ~Digests() { stop(); }

  void add(std::string piece) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return waiting_.size() < most_waiting || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    waiting_.push_back(std::move(piece));
    work_.notify_one();
  }
  /// Waits for all that was added.
  std::pair<Oid, digest::Sha256> finish() {
    stop();
    if (failure_) std::rethrow_exception(failure_);
    return {sha1_.finish(), std::move(sha256_)};
  }

 private:
  void work() {
    try {
      for (;;) {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
        if (waiting_.empty()) return;
        const std::string piece = std::move(waiting_.front());
        waiting_.pop_front();
        room_.notify_one();
        lock.unlock();
        sha1_.update(piece);
        sha256_.update(piece);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      room_.notify_one();
    }
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::deque<std::string> waiting_;
  bool stopping_ = false;
  std::exception_ptr failure_;
  digest::Sha1 sha1_;
  digest::Sha256 sha256_;
  std::thread thread_;
};

}  // namespace

struct DigestedPack::Impl {
  Impl(const fs::path& in, std::uint32_t entries_promised, const Context& given)
      : folder(in), context(given), count(entries_promised), file(in, "tmp_pack_"), buffer(pack_head(count)) {
    entries.reserve(count);
  }

  fs::path folder;
  Context context;
  std::uint32_t count;
  TemporaryFile file;
  Digests digests;
  std::string buffer;
  std::uint64_t written = 0;
  std::vector<IndexEntry> entries;

  void flush() {
    context.cancel->check();
    write_at(file.fd(), buffer, written, file.path());
    written += buffer.size();
    digests.add(std::move(buffer));
    buffer = {};
  }
};

DigestedPack::DigestedPack(const fs::path& folder, std::uint32_t count, const Context& context)
    : impl_(std::make_unique<Impl>(folder, count, context)) {}
DigestedPack::~DigestedPack() = default;

std::uint64_t DigestedPack::position() const noexcept { return impl_->written + impl_->buffer.size(); }

void DigestedPack::append(std::string_view bytes) {
  impl_->buffer += bytes;
  if (impl_->buffer.size() >= piece_size) impl_->flush();
}

void DigestedPack::add_entry(const Oid& id, std::uint32_t crc, std::uint64_t offset) {
  impl_->entries.push_back({id, crc, offset});
}

DigestedPack::Written DigestedPack::finish(bool with_index) {
  Impl& impl = *impl_;
  if (impl.entries.size() != impl.count) throw Error(ErrorCode::internal, "a pack has another number of entries");
  impl.flush();
  auto [checksum, sha256] = impl.digests.finish();
  write_at(impl.file.fd(), bytes_of_id(checksum), impl.written, impl.file.path());
  sha256.update(bytes_of_id(checksum));

  Written out;
  out.pack = {{}, sha256.finish(), impl.written + Oid::size};
  const std::string name = digest::hex(out.pack.sha256);
  out.pack.path = impl.folder / (name + ".pack");
  if (with_index) {
    const std::string index = encode_index(impl.entries, checksum);
    out.index = DigestedFile{impl.folder / (name + ".idx"), digest::sha256(index), index.size()};
    TemporaryFile file(impl.folder, "tmp_idx_");
    write_at(file.fd(), index, 0, file.path());
    file.rename_to(out.index->path);
  }
  impl.file.rename_to(out.pack.path);
  return out;
}

}  // namespace pod::git
