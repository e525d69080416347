#include "objects/download.hpp"

#include "json/json.hpp"
#include "objects/shared_folder.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

namespace pod::objects {
namespace {

void write_at(int fd, base::ConstBytes bytes, std::uint64_t offset, const fs::path& shown) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) base::throw_errno(errno, "write", shown);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

/// What has been fetched: a line that says of what, then a '0' or '1' for each range. A '1' that got to the disk before
/// its bytes did is found out by the digest.
class Note {
 public:
  Note(fs::path path, std::string head, std::size_t ranges) : path_(std::move(path)), head_(std::move(head)) {
    bool known = false;
    try {
      const auto text = base::read_file(path_, head_.size() + ranges);
      known = text && text->starts_with(head_) && text->size() == head_.size() + ranges;
      if (known) done_ = text->substr(head_.size());
    } catch (const Error&) {
      ::unlink(path_.c_str());  // of something else
    }
    if (!known) done_.assign(ranges, '0');
    fd_ = base::open_file(path_, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (!known) reset();
  }
  bool done(std::size_t range) const { return done_[range] == '1'; }
  bool any() const { return done_.find('1') != std::string::npos; }
  void set(std::size_t range) {
    done_[range] = '1';
    write_at(fd_.get(), base::bytes_of("1"), head_.size() + range, path_);
  }
  void reset() {
    done_.assign(done_.size(), '0');
    if (::ftruncate(fd_.get(), 0) != 0) base::throw_errno(errno, "write", path_);
    write_at(fd_.get(), base::bytes_of(head_ + done_), 0, path_);
  }

 private:
  const fs::path path_;
  const std::string head_;
  std::string done_;
  base::Fd fd_;
};

class Download {
 public:
  Download(ObjectStore& store, const Key& key, std::uint64_t size, const digest::Sha256Value& sha256, int fd,
           const fs::path& part, Note& note, const DownloadOptions& options, const Context& context)
      : store_(store),
        key_(key),
        size_(size),
        sha256_(sha256),
        fd_(fd),
        part_(part),
        note_(note),
        options_(options),
        context_(context),
        ranges_(static_cast<std::size_t>((size + options.range - 1) / options.range)) {}

  /// Whether the file is what it should be.
  bool run() {
    std::vector<std::thread> workers;
    digest::Sha256 hash;
    try {
      const std::size_t count =
          std::min<std::size_t>(ranges_, static_cast<std::size_t>(std::max(options_.connections, 1)));
      for (std::size_t i = 0; i < count; ++i) workers.emplace_back([this] { work(); });
      follow(hash);
    } catch (...) {
      fail(std::current_exception());
    }
    for (std::thread& worker : workers) worker.join();
    if (failure_) std::rethrow_exception(failure_);
    return hash.finish() == sha256_;
  }

 private:
  std::uint64_t length_of(std::size_t range) const {
    return std::min(options_.range, size_ - static_cast<std::uint64_t>(range) * options_.range);
  }

  /// Hashes what has come, in order, while the rest comes.
  void follow(digest::Sha256& hash) {
    std::vector<std::byte> buffer(256 << 10);
    for (std::size_t range = 0; range < ranges_; ++range) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return failure_ || note_.done(range); });
      if (failure_) return;
      lock.unlock();
      std::uint64_t offset = static_cast<std::uint64_t>(range) * options_.range;
      for (std::uint64_t left = length_of(range); left > 0;) {
        context_.cancel->check();
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
        const ssize_t count = ::pread(fd_, buffer.data(), wanted, static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) base::throw_errno(errno, "read", part_);
        if (count == 0) return;  // a part that was cut: the digest will say so
        hash.update(base::ConstBytes(buffer.data(), static_cast<std::size_t>(count)));
        offset += static_cast<std::uint64_t>(count);
        left -= static_cast<std::uint64_t>(count);
      }
    }
  }

  void work() noexcept {
    try {
      for (;;) {
        std::size_t range = 0;
        {
          const std::lock_guard lock(mutex_);
          while (next_ < ranges_ && note_.done(next_)) context_.progress->advance(length_of(next_++));
          if (failure_ || next_ >= ranges_) return;
          range = next_++;
        }
        fetch(range);
        {
          const std::lock_guard lock(mutex_);
          note_.set(range);
        }
        changed_.notify_all();
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void fetch(std::size_t range) {
    ReadOptions options;
    options.offset = static_cast<std::uint64_t>(range) * options_.range;
    options.length = length_of(range);
    std::uint64_t at = options.offset;
    const ReadResult result = store_.get(key_, options, [&](base::ConstBytes bytes) {
      {
        const std::lock_guard lock(mutex_);
        if (failure_) throw Error(ErrorCode::cancelled, "another part of " + quote(key_.str()) + " failed");
      }
      write_at(fd_, bytes, at, part_);
      at += bytes.size();
      context_.progress->advance(bytes.size());
    });
    if (result.status != ReadStatus::read)
      throw Error(ErrorCode::not_found, quote(key_.str()) + " is not at " + quote(store_.describe()));
    if (result.info.size != size_)
      throw Error(ErrorCode::corrupt, quote(key_.str()) + " at " + quote(store_.describe()) + " has " +
                                          std::to_string(result.info.size) + " bytes rather than " +
                                          std::to_string(size_));
    if (at != options.offset + length_of(range))
      throw Error(ErrorCode::unreachable, "the answer of " + quote(store_.describe()) + " was cut short");
  }

  void fail(std::exception_ptr failure) {
    {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::move(failure);
    }
    changed_.notify_all();
  }

  ObjectStore& store_;
  const Key& key_;
  const std::uint64_t size_;
  const digest::Sha256Value& sha256_;
  const int fd_;
  const fs::path& part_;
  Note& note_;
  const DownloadOptions& options_;
  const Context& context_;
  const std::size_t ranges_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

void download(ObjectStore& store, const Key& key, std::uint64_t size, const digest::Sha256Value& sha256,
              const std::filesystem::path& file, const DownloadOptions& options, const Context& context) {
  const fs::path part = file.native() + ".part";
  const fs::path noted = file.native() + ".part-note";
  DownloadOptions used = options;
  used.range = std::max<std::uint64_t>(options.range, 64 << 10);
  const std::string head = json::canonical(
      {{"format", 1}, {"key", key.str()}, {"range", used.range}, {"sha256", digest::hex(sha256)}, {"size", size}});

  const base::Fd fd = base::open_file(part, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (try_lock(fd.get()) == false)
    throw Error(ErrorCode::busy, quote(file.native()) + " is being fetched by another process");
  const auto forget = [&] {
    ::unlink(noted.c_str());
    ::unlink(part.c_str());
  };
  {
    Note note(noted, head, static_cast<std::size_t>((size + used.range - 1) / used.range));
    bool resumed = note.any();
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) base::throw_errno(errno, "write", part);
    for (;;) {
      bool sound = false;
      try {
        sound = Download(store, key, size, sha256, fd.get(), part, note, used, context).run();
      } catch (const Error& error) {
        if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::not_found) forget();
        throw;
      }
      if (sound) break;
      if (!resumed) {
        forget();
        throw Error(ErrorCode::corrupt,
                    quote(key.str()) + " at " + quote(store.describe()) + " is not what its SHA-256 says");
      }
      note.reset();  // what an earlier call left was not sound
      resumed = false;
    }
  }
  if (options.durable) base::sync_file(fd.get(), part);
  if (::rename(part.c_str(), file.c_str()) != 0) base::throw_errno(errno, "write", file);
  ::unlink(noted.c_str());
  if (options.durable) base::sync_folder(file.has_parent_path() ? file.parent_path() : fs::path("."));
}

}  // namespace pod::objects
