#include "stock_git.hpp"

#include "git/pack_writer.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <random>

namespace pod::git::test {
namespace {

namespace fs = std::filesystem;

/// Writes and reads at once, so that neither pipe fills up.
void talk(int to, std::string_view input, int from, std::string& out, int errors, std::string& err) {
  std::string buffer(1 << 16, '\0');
  if (input.empty()) {
    ::close(to);
    to = -1;
  }
  while (from >= 0 || errors >= 0) {
    pollfd fds[3] = {{from, POLLIN, 0}, {errors, POLLIN, 0}, {to, POLLOUT, 0}};
    if (::poll(fds, 3, -1) < 0) continue;
    const auto take = [&](int& fd, short events, std::string& into) {
      if (fd < 0 || events == 0) return;
      const ssize_t got = ::read(fd, buffer.data(), buffer.size());
      if (got > 0) {
        into.append(buffer, 0, static_cast<std::size_t>(got));
      } else {
        ::close(fd);
        fd = -1;
      }
    };
    take(from, fds[0].revents, out);
    take(errors, fds[1].revents, err);
    if (to >= 0 && fds[2].revents != 0) {
      const ssize_t put = ::write(to, input.data(), std::min<std::size_t>(input.size(), 65536));
      if (put > 0) input.remove_prefix(static_cast<std::size_t>(put));
      if (put < 0 || input.empty()) {
        ::close(to);
        to = -1;
      }
    }
  }
  if (to >= 0) ::close(to);
}

}  // namespace

Ran run(const std::vector<std::string>& command, std::string_view input) {
  static const bool ignored = [] { return ::signal(SIGPIPE, SIG_IGN) != SIG_ERR; }();
  static_cast<void>(ignored);
  int in[2];
  int out[2];
  int err[2];
  REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
  std::vector<char*> arguments;
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  const char* path = ::getenv("PATH");
  const std::string path_line = std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin");
  const char* environment[] = {path_line.c_str(),
                               "HOME=/nonexistent",
                               "GIT_CONFIG_NOSYSTEM=1",
                               "GIT_CONFIG_GLOBAL=/dev/null",
                               "LC_ALL=C",
                               "GIT_AUTHOR_NAME=a",
                               "GIT_AUTHOR_EMAIL=a@example.org",
                               "GIT_COMMITTER_NAME=a",
                               "GIT_COMMITTER_EMAIL=a@example.org",
                               "GIT_AUTHOR_DATE=1700000000 +0000",
                               "GIT_COMMITTER_DATE=1700000000 +0000",
                               nullptr};
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    ::execvpe(arguments[0], arguments.data(), const_cast<char**>(environment));
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  Ran ran;
  talk(in[1], input, out[0], ran.out, err[0], ran.err);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

std::string stock_git(const fs::path& repository, std::vector<std::string> arguments, std::string_view input) {
  std::vector<std::string> command{"git", "-C", repository.string(), "-c", "safe.directory=*"};
  for (std::string& argument : arguments) command.push_back(std::move(argument));
  Ran ran = run(command, input);
  INFO(command[5], ": ", ran.err);
  REQUIRE(ran.exit == 0);
  while (!ran.out.empty() && ran.out.back() == '\n') ran.out.pop_back();
  return ran.out;
}

std::string noise(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t value = random();
    for (std::size_t j = i; j < std::min(size, i + 8); ++j) out[j] = static_cast<char>(value >> 8 * (j - i));
  }
  return out;
}

std::string text(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out;
  while (out.size() < size) out += "the queue " + std::to_string(random() % 1000) + " holds a message\n";
  out.resize(size);
  return out;
}

void write_file(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  fs::remove(path);  // stock git's own are read-only
  const base::Fd fd = base::open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  base::write_all(fd.get(), base::bytes_of(bytes), path);
}

std::string read_file(const fs::path& path) { return base::read_file(path, 1u << 30).value(); }

std::vector<fs::path> files_below(const fs::path& folder, std::string_view suffix) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().native().ends_with(suffix)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<Error> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

Commit commit_of(const Oid& tree, std::vector<Oid> parents, std::string message) {
  Commit commit;
  commit.tree = tree;
  commit.parents = std::move(parents);
  commit.author = commit.committer = {"a", "a@example.org", {1700000000, 0}};
  commit.message = std::move(message);
  return commit;
}

Oid write_version(Repository& repository, const std::vector<std::pair<std::string, std::string>>& files,
                  std::vector<Oid> parents, std::string message) {
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  std::vector<TreeEntry> entries;
  for (const auto& [name, content] : files)
    entries.push_back({name, 0100644, writer.add(ObjectType::blob, base::bytes_of(content))});
  const Oid tree = writer.add(ObjectType::tree, base::bytes_of(encode_tree(entries)));
  const std::string commit = encode_commit(commit_of(tree, std::move(parents), std::move(message)));
  const Oid id = writer.add(ObjectType::commit, base::bytes_of(commit));
  writer.finish();
  return id;
}

void check_fsck(const fs::path& repository) {
  const Ran ran =
      run({"git", "-C", repository.string(), "-c", "safe.directory=*", "fsck", "--full", "--strict", "--no-dangling"});
  CHECK(ran.exit == 0);
  CHECK(ran.out == "");
  // That there is no branch yet is no fault.
  std::string said;
  for (std::size_t at = 0; at < ran.err.size();) {
    const std::size_t end = ran.err.find('\n', at) + 1;
    if (const std::string line = ran.err.substr(at, end - at); !line.starts_with("notice: ")) said += line;
    at = end == 0 ? ran.err.size() : end;
  }
  CHECK(said == "");
}

}  // namespace pod::git::test
