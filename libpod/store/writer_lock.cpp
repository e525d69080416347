#include "store/engine_impl.hpp"

#include <libpod/error.hpp>

#include "digest/digest.hpp"
#include "json/json.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

namespace pod::store {
namespace {

using Clock = std::chrono::steady_clock;

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::string read_holder(int fd) {
  char buffer[1024];
  const ssize_t count = ::pread(fd, buffer, sizeof buffer, 0);
  return count > 0 ? std::string(buffer, static_cast<std::size_t>(count)) : std::string();
}

/// "process 12 on ada's-host since 10:00" from the lock's text, which may be anything.
std::string describe(const std::string& text) {
  try {
    const json::Value holder = json::parse(text, "lock", {.bytes = 1024, .depth = 4, .values = 20});
    return "process " + std::to_string(json::integer_member(holder, "pid", "lock")) + " on " +
           printable(json::string_member(holder, "host", "lock"));
  } catch (const Error&) {
    return "another process";
  }
}

/// The text is for messages, and tells the next writer that this one did not end in order.
void write_holder(int fd, const Context& context, const std::filesystem::path& file) {
  const std::string text = json::canonical({{"pid", static_cast<std::int64_t>(::getpid())},
                                            {"host", printable(host_name())},
                                            {"since", context.clock->now().seconds}});
  if (::ftruncate(fd, 0) != 0) base::throw_errno(errno, "write", file);
  base::write_all(fd, base::bytes_of(text), file);
}

/// Error(denied) on a read-only store.
base::Fd open_lock(const std::filesystem::path& store, const StoreOptions& options, const std::filesystem::path& file) {
  const auto read_only = [&] { return Error(ErrorCode::denied, "store " + quote(store.native()) + " is read-only"); };
  if (options.read_only) throw read_only();
  base::Fd fd;
  do fd = base::Fd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  while (!fd && errno == EINTR);
  if (!fd && (errno == EROFS || errno == EACCES || errno == EPERM)) throw read_only();
  if (!fd) base::throw_errno(errno, "lock", file);
  return fd;
}

/// Up to 60 ms, different in each process.
std::chrono::milliseconds jitter() { return std::chrono::milliseconds(10 + digest::random_bytes(1)[0] % 50); }

}  // namespace

WriterLock::WriterLock() = default;
WriterLock::WriterLock(WriterLock&&) noexcept = default;
WriterLock::~WriterLock() = default;

TakenLock::~TakenLock() {
  if (fd && ::ftruncate(fd.get(), 0) != 0) {
    // Then the next writer looks for left-overs in vain.
  }
}

TakenLock take_writer_lock(const std::filesystem::path& store, const StoreOptions& options,
                           std::chrono::milliseconds wait, const Context& context) {
  const std::filesystem::path file = store / "pod" / "lock";
  base::Fd fd = open_lock(store, options, file);
  const auto deadline = Clock::now() + wait;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) base::throw_errno(errno, "lock", file);
    context.cancel->check();
    if (Clock::now() >= deadline)
      throw Error(ErrorCode::busy,
                  "store " + quote(store.native()) + " is in use by " + describe(read_holder(fd.get())))
          .hint("wait until it is done, and run the command again");
    std::this_thread::sleep_for(std::min<Clock::duration>(jitter(), deadline - Clock::now()));
  }
  const bool previous_writer_died = !read_holder(fd.get()).empty();
  write_holder(fd.get(), context, file);
  return TakenLock(std::move(fd), previous_writer_died);
}

WriterLock Engine::lock(const Context& context) { return impl_->lock(context, impl_->options.lock_wait); }

WriterLock Engine::Impl::lock(const Context& context, std::chrono::milliseconds wait) {
  TakenLock taken = take_writer_lock(repository.path(), options, wait, context);
  WriterLock lock;
  const bool died = taken.previous_writer_died;
  lock.impl_ = std::make_unique<WriterLock::Impl>(std::move(taken));
  repair(died, context);
  // While it was waited for, a gc may have taken away what is known to be there.
  repository.objects()->refresh();
  return lock;
}

std::optional<ObjectHold> Engine::Impl::hold(bool whole, const Context& context) const {
  const std::filesystem::path file = own("hold");
  base::Fd fd = open_lock(repository.path(), options, file);
  // A gc has it for moments.
  const auto deadline = Clock::now() + options.lock_wait;
  while (::flock(fd.get(), (whole ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) base::throw_errno(errno, "lock", file);
    if (whole) return std::nullopt;
    context.cancel->check();
    if (Clock::now() >= deadline)
      throw Error(ErrorCode::busy, "a gc removes objects of the store " + quote(repository.path().native()))
          .hint("wait until it is done, and run the command again");
    std::this_thread::sleep_for(jitter());
  }
  return ObjectHold(std::move(fd));
}

std::uint64_t Engine::Impl::removals() const {
  const auto text = base::read_file(own("removals"), 64);
  std::uint64_t count = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), count);
  return count;
}

void Engine::Impl::count_removal() {
  base::write_file_atomically(own("removals"), std::to_string(removals() + 1) + '\n');
}

}  // namespace pod::store
