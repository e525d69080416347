#include "store/store_world.hpp"

#include "snapshot/tree_builder.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>

namespace pod::store::test {

Version commit(Store& store, std::string_view pod, const Files& files, std::string_view message,
               const Context& context) {
  Engine& engine = store.engine();
  auto pack = engine.pack_writer(context);
  snapshot::TreeBuilder builder(pack);
  for (const auto& [path, content] : files) {
    if (path.starts_with(".pod/")) {
      builder.add_own(StatePath::parse(path), content);
      continue;
    }
    base::MemorySource source(content);
    builder.add_file(StatePath::parse(path), content.size(), source);
  }
  const Oid tree = builder.finish({});
  const WriterLock lock = engine.lock(context);
  const PodName name = PodName::parse(pod);
  return engine.commit_version(lock, pack,
                               {.pod = name,
                                .tree = tree,
                                .parent = engine.latest(name),
                                .message = std::string(message),
                                .author = {"Ada", "ada@example.org"},
                                .verb = "commit"},
                               context);
}

Version commit(Store& store, std::string_view pod, std::string_view text) {
  return commit(store, pod, {{"file", std::string(text)}});
}

std::vector<std::string> pod_names(const Store& store) {
  std::vector<std::string> names;
  for (const PodSummary& pod : store.pods()) names.push_back(pod.name.str() + ":" + std::to_string(pod.latest.number));
  return names;
}

std::filesystem::path memory_folder() {
  const std::filesystem::path shared = "/dev/shm";
  return ::access(shared.c_str(), W_OK) == 0 ? shared : std::filesystem::temp_directory_path();
}

void check_with_git(const Store& store) { git::test::check_fsck(store.path()); }

std::optional<ErrorCode> code_of(const std::function<void()>& action) {
  const auto error = error_of(action);
  return error ? std::optional(error->code()) : std::nullopt;
}

pid_t start_child(const std::function<int()>& action) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child != 0) return child;
  int code = 99;
  try {
    code = action();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
  }
  ::_exit(code);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int in_child(const std::function<int()>& action, uid_t uid) {
  return wait_for(start_child([&] {
    if (uid != 0 && (::setgid(uid) != 0 || ::setuid(uid) != 0)) return 98;
    return action();
  }));
}

}  // namespace pod::store::test
