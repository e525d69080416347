#include "store/gc_roots.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t log_limit = 256u << 20;
constexpr std::size_t digits = 2 * Oid::size;

void add_id(std::vector<GcRoot>& roots, std::string_view hex, const std::string& name, bool must_exist) {
  try {
    const Oid id = Oid::parse(hex.substr(0, digits));
    if (!id.is_zero()) roots.push_back({id, name, must_exist});
  } catch (const Error&) {
    // Not an id: HEAD names a branch.
  }
}

/// `<old id> <new id> <who> …`, one a line.
void add_log(std::vector<GcRoot>& roots, const fs::path& file) {
  const std::string text = base::read_file(file, log_limit).value_or("");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (line.size() > 2 * digits && line[digits] == ' ') {
      add_id(roots, line, "a reflog", false);
      add_id(roots, line.substr(digits + 1), "a reflog", false);
    }
    at = end + 1;
  }
}

}  // namespace

std::vector<GcRoot> gc_roots(const git::Repository& repository, const Journal& journal,
                             const std::vector<git::Ref>& without) {
  std::vector<GcRoot> roots;
  std::vector<GcRoot> of_undo;
  for (const git::Ref& ref : repository.refs("refs/")) {
    if (std::any_of(without.begin(), without.end(), [&](const git::Ref& gone) { return gone.name == ref.name; }))
      continue;
    (ref.name.starts_with("refs/pod/") ? of_undo : roots).push_back({ref.target, "the ref " + quote(ref.name)});
  }
  roots.insert(roots.end(), of_undo.begin(), of_undo.end());
  const std::string head = base::read_file(repository.path() / "HEAD", 4096).value_or("");
  if (!head.starts_with("ref:")) add_id(roots, head, "HEAD", true);
  const fs::path logs = repository.path() / "logs";
  std::error_code error;
  fs::recursive_directory_iterator it(logs, error);
  if (error != std::errc::no_such_file_or_directory) {
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error))
      if (!it->is_symlink(error) && it->is_regular_file(error)) add_log(roots, it->path());
    if (error) base::throw_errno(error.value(), "read", logs);
  }
  if (const auto newest = journal.tail().open)
    for (const Oid& id : {newest->before, newest->after})
      if (!id.is_zero()) roots.push_back({id, "the journal", false});
  return roots;
}

}  // namespace pod::store
