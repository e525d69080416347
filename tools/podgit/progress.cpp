#include "progress.hpp"

#include "measures.hpp"
#include "terminal.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <unistd.h>
#include <cerrno>
#include <csignal>

namespace podgit {
namespace {

constexpr std::chrono::milliseconds quiet_time{300};
constexpr std::chrono::milliseconds repaint_time{100};
constexpr std::chrono::seconds plain_time{10};

void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

StderrProgress::StderrProgress(ProgressMode mode, std::function<void(std::string_view)> on_warning)
    : mode_(mode), on_warning_(std::move(on_warning)) {}

StderrProgress::~StderrProgress() { stop(); }

void StderrProgress::begin(std::string_view step, std::optional<std::uint64_t> total) {
  if (mode_ == ProgressMode::none) return;
  const std::lock_guard lock(mutex_);
  const auto now = Steady::now();
  step_ = pod::printable(step);
  total_ = total;
  done_ = 0;
  step_begin_ = now;
  if (painter_.joinable()) return;
  first_begin_ = last_line_ = now;
  stopping_ = false;
  // the painter must not be the one that a signal interrupts
  sigset_t all{};
  sigset_t before{};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  painter_ = std::thread([this] { repaint_until_stopped(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void StderrProgress::end() {
  const std::lock_guard lock(mutex_);
  clear_line();
  step_.clear();
}

void StderrProgress::warn(std::string_view message) {
  {
    const std::lock_guard lock(mutex_);
    clear_line();
  }
  on_warning_(message);
}

void StderrProgress::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    step_.clear();
    clear_line();
  }
  wake_.notify_all();
  if (painter_.joinable()) painter_.join();
}

void StderrProgress::clear_line() {
  if (!painted_) return;
  write_to_stderr("\r\x1b[K");
  painted_ = false;
}

std::string StderrProgress::description(Steady::time_point now) const {
  const std::uint64_t done = done_.load(std::memory_order_relaxed);
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - step_begin_);
  std::string text = step_;
  if (total_ && *total_ > 0)
    text += fmt::format("  {} of {} ({}%)", human_size(done), human_size(*total_),
                        std::min<std::uint64_t>(100, done * 100 / *total_));
  else if (done > 0)
    text += fmt::format("  {}", human_size(done));
  if (done > 0 && elapsed.count() > 0)
    text += fmt::format("  {}/s", human_size(done * 1000 / static_cast<std::uint64_t>(elapsed.count())));
  if (elapsed.count() >= 1000)
    text += fmt::format("  {}", human_duration(std::chrono::seconds(elapsed.count() / 1000)));
  return text;
}

void StderrProgress::repaint_until_stopped() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, repaint_time);
    const auto now = Steady::now();
    if (stopping_ || step_.empty() || now - first_begin_ < quiet_time) continue;
    if (mode_ == ProgressMode::animated) {
      const std::size_t width = terminal_width(STDERR_FILENO);
      write_to_stderr(fmt::format("\r{}\x1b[K", fitted(description(now), width > 1 ? width - 1 : 1)));
      painted_ = true;
    } else if (now - last_line_ >= plain_time) {
      write_to_stderr(description(now) + "\n");
      last_line_ = now;
    }
  }
}

}  // namespace podgit
