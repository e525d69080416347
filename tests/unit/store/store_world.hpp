// A store to work on, and a commit in one line.
#pragma once

#include "git/stock_git.hpp"

#include "store/engine.hpp"

#include <libpod/error.hpp>
#include <libpod/store.hpp>

#include <sys/types.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::store::test {

using git::test::error_of;
using git::test::Folder;
using git::test::read_file;
using git::test::write_file;

using Files = std::vector<std::pair<std::string, std::string>>;

/// What flow does with files that are there (those below `.pod/` are what a version says of itself): trees, then the
/// version under the lock.
Version commit(Store& store, std::string_view pod, const Files& files, std::string_view message = "a message",
               const Context& context = {});
/// One small file that says `text`.
Version commit(Store& store, std::string_view pod, std::string_view text);

std::vector<std::string> pod_names(const Store& store);
/// Where a sync costs nothing: for many stores, and for kills that fall on every step alike.
std::filesystem::path memory_folder();
/// Stock git finds nothing to say.
void check_with_git(const Store& store);
std::optional<ErrorCode> code_of(const std::function<void()>& action);

/// Runs `action` in a child process, as another user where `uid` is not 0; its exit code, 128 + signal where it was
/// killed.
int in_child(const std::function<int()>& action, uid_t uid = 0);
/// Starts it and does not wait.
pid_t start_child(const std::function<int()>& action);
int wait_for(pid_t child);

/// Stands in for time that passes.
class Ticking final : public Clock {
 public:
  explicit Ticking(std::int64_t start) : now_(start) {}
  Time now() const override { return {now_++, 60}; }

 private:
  mutable std::int64_t now_;
};

}  // namespace pod::store::test
