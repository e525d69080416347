#include "git/shallow.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace pod::git {
namespace {

constexpr std::uint64_t limit = 64ull << 20;

}  // namespace

Shallow read_shallow(const std::filesystem::path& repository) {
  Shallow found;
  const std::string text = base::read_file(repository / "shallow", limit).value_or("");
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    try {
      found.commits.insert(Oid::parse(line));
    } catch (const Error&) {
      found.problems.push_back("shallow: " + quote(line) + " names no commit");
    }
  }
  return found;
}

void write_shallow(const std::filesystem::path& repository, const std::unordered_set<Oid>& commits) {
  const std::filesystem::path file = repository / "shallow";
  if (commits.empty()) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) base::throw_errno(errno, "remove", file);
    base::sync_folder(repository);
    return;
  }
  std::vector<Oid> sorted(commits.begin(), commits.end());
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (const Oid& commit : sorted) text += commit.hex() + '\n';
  base::write_file_atomically(file, text);
}

}  // namespace pod::git
