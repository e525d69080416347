// Where a history that is not here whole is cut off: git's file `shallow`, the commits whose parents are not here.
#pragma once

#include <libpod/names.hpp>

#include <filesystem>
#include <string>
#include <unordered_set>
#include <vector>

namespace pod::git {

struct Shallow {
  std::unordered_set<Oid> commits;
  std::vector<std::string> problems;  // lines that name no commit; stock git refuses such a file
};

/// `repository`: its folder. Nothing where there is no such file.
Shallow read_shallow(const std::filesystem::path& repository);
/// Durable; the file goes where nothing is cut off. Who has the objects open sees it after a refresh().
void write_shallow(const std::filesystem::path& repository, const std::unordered_set<Oid>& commits);

}  // namespace pod::git
