#include "revision.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <string>

extern char** environ;

namespace git_remote_pod {
namespace {

constexpr std::size_t id_size = 2 * pod::Oid::size;

/// Standard output of a command that is to end well; empty where it does not.
std::string output_of(const std::array<std::string, 5>& words) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  std::array<char*, 6> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = const_cast<char*>(words[i].c_str());
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string text;
  std::array<char, 256> piece{};
  for (ssize_t count = 1; failed == 0 && count != 0;) {
    count = ::read(ends[0], piece.data(), piece.size());
    if (count > 0) text.append(piece.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) break;
  }
  ::close(ends[0]);
  int status = -1;
  if (failed == 0)
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  return status == 0 ? text : std::string();
}

}  // namespace

pod::Oid find_revision(std::string_view revision) {
  const std::string text = output_of({"git", "rev-parse", "--verify", "--end-of-options", std::string(revision)});
  // Some versions of git say the option itself first.
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos || end + 1 < id_size)
    throw pod::Error(pod::ErrorCode::not_found, "git knows no " + pod::quote(revision));
  return pod::Oid::parse(std::string_view(text).substr(end + 1 - id_size, id_size));
}

}  // namespace git_remote_pod
