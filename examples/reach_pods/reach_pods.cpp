// A program that knows libgit2 alone, and reaches remotes of pods by one call of libpod.
//
//   reach_pods clone pod::file:///srv/pods FOLDER
//   reach_pods fetch FOLDER
//   reach_pods push FOLDER REFSPEC
#include <git2.h>
#include <libpod/remote.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

int failed(const char* what) {
  const git_error* error = git_error_last();
  std::cerr << "reach_pods: cannot " << what << ": " << (error == nullptr ? "unknown" : error->message) << '\n';
  return 1;
}

int show_refused(const char* ref, const char* refusal, void* count) {
  if (refusal == nullptr) return 0;
  std::cerr << "reach_pods: " << ref << " was refused: " << refusal << '\n';
  ++*static_cast<int*>(count);
  return 0;
}

int clone(const char* url, const char* folder) {
  git_repository* repository = nullptr;
  if (git_clone(&repository, url, folder, nullptr) < 0) return failed("clone");
  std::cout << "cloned\n";
  git_repository_free(repository);
  return 0;
}

int fetch_or_push(const char* folder, char* refspec) {
  git_repository* repository = nullptr;
  git_remote* origin = nullptr;
  int result = 0;
  int refused = 0;
  if (git_repository_open(&repository, folder) < 0 || git_remote_lookup(&origin, repository, "origin") < 0) {
    result = failed("open");
  } else if (refspec == nullptr) {
    result = git_remote_fetch(origin, nullptr, nullptr, nullptr) < 0 ? failed("fetch") : 0;
  } else {
    git_push_options options = GIT_PUSH_OPTIONS_INIT;
    options.callbacks.push_update_reference = show_refused;
    options.callbacks.payload = &refused;
    const git_strarray refspecs{&refspec, 1};
    result = git_remote_push(origin, &refspecs, &options) < 0 ? failed("push") : refused;
  }
  if (result == 0) std::cout << (refspec == nullptr ? "fetched\n" : "pushed\n");
  git_remote_free(origin);
  git_repository_free(repository);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  git_libgit2_init();
  // From here on git_clone and the like know URLs that begin with pod::. Keys come from where AWS's own tools find
  // them.
  pod::register_git_transport({.bucket_access = [](const std::string&) {
    return pod::aws_access([](const char* name) -> std::optional<std::string> {
      const char* value = std::getenv(name);
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    });
  }});
  if (verb == "clone" && argc == 4) return clone(argv[2], argv[3]);
  if (verb == "fetch" && argc == 3) return fetch_or_push(argv[2], nullptr);
  if (verb == "push" && argc == 4) return fetch_or_push(argv[2], argv[3]);
  std::cerr << "usage: reach_pods clone URL FOLDER | fetch FOLDER | push FOLDER REFSPEC\n";
  return 2;
}
