#include "output.hpp"

#include "environment.hpp"
#include "terminal.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace podgit {
namespace {

constexpr std::size_t flush_at = std::size_t{64} * 1024;

[[noreturn]] void run_pager(int input, const std::string& command) {
  dup2(input, STDIN_FILENO);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  setenv("LESS", "FRX", 0);
  // state is a stranger's text: less must not run commands or write files on its behalf
  setenv("LESSSECURE", "1", 1);
  execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

void end_by_broken_pipe() {
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
  _exit(128 + SIGPIPE);
}

Output::~Output() {
  if (pager_ < 0) return;
  close(fd_);
  waitpid(pager_, nullptr, 0);
}

void Output::start_pager() {
  if (pager_ >= 0 || !can_animate(STDOUT_FILENO)) return;
  std::string command = "less -FRX";
  if (const char* own = std::getenv("PODGIT_PAGER"))
    command = own;
  else if (const char* shared = std::getenv("PAGER"))
    command = shared;
  if (command.empty() || command == "cat") return;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  const pid_t child = fork();
  if (child == 0) run_pager(ends[0], command);
  close(ends[0]);
  if (child < 0) {
    close(ends[1]);
    return;
  }
  pager_ = child;
  fd_ = ends[1];
}

void Output::write(std::string_view text) {
  if (closed_) return;
  buffer_ += text;
  if (buffer_.size() >= flush_at) flush();
}

void Output::line(std::string_view text) {
  write(text);
  write("\n");
}

void Output::keep_order() {
  if (pager_ < 0) flush();
}

void Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !closed_) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      closed_ = true;
    } else if (errno != EINTR) {
      const int error = errno;
      buffer_.clear();
      throw pod::Error(pod::ErrorCode::io, "standard output could not be written").because(std::strerror(error));
    }
  }
  buffer_.clear();
}

void Output::finish() {
  flush();
  if (pager_ < 0) {
    // some file systems tell of a full disk only here
    if (!closed_ && close(dup(STDOUT_FILENO)) != 0 && errno != EBADF && errno != EINTR)
      throw pod::Error(pod::ErrorCode::io, "standard output could not be written").because(std::strerror(errno));
    return;
  }
  close(fd_);
  int status = 0;
  while (waitpid(pager_, &status, 0) < 0 && errno == EINTR) {
  }
  pager_ = -1;
  fd_ = STDOUT_FILENO;
  closed_ = false;  // to leave a pager early is how it is used
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw pod::Error(pod::ErrorCode::not_found, "the pager could not be started")
        .hint("set PODGIT_PAGER, or use --no-pager");
}

}  // namespace podgit
