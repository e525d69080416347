// A folder to work in, and stock git beside ours.
#pragma once

#include "base/files.hpp"
#include "git/repository.hpp"

#include <libpod/error.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::git::test {

struct Ran {
  int exit = -1;  // 128 + the signal, where one ended it
  std::string out;
  std::string err;
};

/// Runs a program without a shell, `input` on its standard input; git without anybody's configuration.
Ran run(const std::vector<std::string>& command, std::string_view input = {});

/// A private folder, removed at the end.
class Folder {
 public:
  Folder() : temp_(std::filesystem::temp_directory_path(), "pod-git-test-") {}
  const std::filesystem::path& path() const { return temp_.path(); }
  std::filesystem::path operator/(const char* name) const { return temp_.path() / name; }

 private:
  base::TempFolder temp_;
};

/// Stock git in `repository`; the test fails where it does. The output without its last newline.
std::string stock_git(const std::filesystem::path& repository, std::vector<std::string> arguments,
                      std::string_view input = {});

/// Bytes that are the same for the same seed: `text` shrinks, `noise` does not.
std::string text(std::size_t size, std::uint64_t seed = 1);
std::string noise(std::size_t size, std::uint64_t seed = 1);

void write_file(const std::filesystem::path& path, std::string_view bytes);
std::string read_file(const std::filesystem::path& path);
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder, std::string_view suffix = {});

/// The code and words of the Error that `action` throws; nullopt where it throws none.
std::optional<Error> error_of(const std::function<void()>& action);

/// A commit by "a" at a fixed moment.
Commit commit_of(const Oid& tree, std::vector<Oid> parents = {}, std::string message = "m");
/// One pack that holds `files` (names without "/") in a tree and a commit on it; returns the commit's id.
Oid write_version(Repository& repository, const std::vector<std::pair<std::string, std::string>>& files,
                  std::vector<Oid> parents = {}, std::string message = "m");

/// Stock git's strict check finds nothing to complain or warn about.
void check_fsck(const std::filesystem::path& repository);

}  // namespace pod::git::test
