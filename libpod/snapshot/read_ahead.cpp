#include "snapshot/read_ahead.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

namespace pod::snapshot {
namespace {

constexpr std::size_t batch_files = 64;
constexpr std::uint64_t batch_bytes = 1 << 20;
constexpr std::uint64_t ahead_bytes = 16u << 20;
constexpr std::size_t worth_threads = 2;  // batches

/// Reads the whole file to `room`, which has a byte more, to see that it ends; whether it is and stays what the scan
/// saw.
bool read_whole(FolderCursor& cursor, const FoundFile& file, std::span<char> room, const Context& context) {
  // O_NONBLOCK: what was a file a moment ago may be a FIFO now.
  const base::Fd fd = cursor.open(file.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return false;
  std::size_t got = 0;
  for (;;) {
    const ssize_t count = ::read(fd.get(), room.data() + got, room.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    got += static_cast<std::size_t>(count);
    context.progress->advance(static_cast<std::uint64_t>(count));
    if (count == 0 || got >= file.stat.size) break;
  }
  struct stat status {};
  return got == file.stat.size && ::fstat(fd.get(), &status) == 0 && file_stat(status) == file.stat;
}

}  // namespace

ReadAhead::ReadAhead(int root, const std::vector<FoundFile>& files, std::vector<std::size_t> wanted,
                     std::uint64_t limit, const Context& context)
    : root_(root), files_(files), wanted_(std::move(wanted)), limit_(limit), context_(context) {
  plan();
  if (batches_.size() < worth_threads) return;
  const std::size_t most = std::max(1u, std::thread::hardware_concurrency());
  try {
    while (threads_.size() < std::min(most, batches_.size())) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // next() reads what nobody has begun.
  }
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ReadAhead::plan() {
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    const std::uint64_t size = files_[wanted_[i]].stat.size;
    const std::uint64_t held = size > limit_ ? 0 : size;
    if (batches_.empty() || batches_.back().to - batches_.back().from >= batch_files ||
        batches_.back().bytes + held > batch_bytes)
      batches_.push_back({i, i, 0, {}});
    batches_.back().to = i + 1;
    batches_.back().bytes += held;
  }
  done_.resize(batches_.size());
}

void ReadAhead::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || started_ == batches_.size() || under_way_ < ahead_bytes; });
    if (stopping_ || started_ == batches_.size()) return;
    const std::size_t number = started_++;
    under_way_ += batches_[number].bytes;
    lock.unlock();
    std::exception_ptr failure;
    try {
      read(batches_[number]);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    done_[number] = 1;
    if (failure && !failure_) failure_ = failure;
    if (failure) stopping_ = true;
    changed_.notify_all();
  }
}

void ReadAhead::read(Batch& batch) const {
  FolderCursor cursor(root_);
  batch.places.resize(batch.to - batch.from);
  batch.content.resize(static_cast<std::size_t>(batch.bytes) + 1);
  std::size_t end = 0;
  for (std::size_t i = batch.from; i < batch.to; ++i) {
    context_.cancel->check();
    const FoundFile& file = files_[wanted_[i]];
    if (file.stat.size > limit_) continue;
    const auto size = static_cast<std::size_t>(file.stat.size);
    if (!read_whole(cursor, file, std::span(batch.content).subspan(end, size + 1), context_)) continue;
    batch.places[i - batch.from] = std::pair(end, size);
    end += size;
  }
}

std::optional<std::string_view> ReadAhead::next() {
  Batch& batch = batches_.at(batch_);
  if (place_ == 0) {
    std::unique_lock lock(mutex_);
    if (started_ == batch_ && threads_.empty()) {
      ++started_;
      lock.unlock();
      read(batch);
    } else {
      changed_.wait(lock, [&] { return failure_ || done_[batch_] != 0; });
      if (failure_) std::rethrow_exception(failure_);
    }
    content_ = std::move(batch.content);
  }
  std::optional<std::string_view> content;
  if (const auto& place = batch.places[place_])
    content = std::string_view(content_).substr(place->first, place->second);
  if (++place_ < batch.to - batch.from) return content;
  place_ = 0;
  ++batch_;
  batch.places = {};
  const std::lock_guard lock(mutex_);
  if (!threads_.empty()) under_way_ -= batch.bytes;
  changed_.notify_all();
  return content;
}

}  // namespace pod::snapshot
