#include "store/gc_note.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "json/json.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <exception>
#include <system_error>
#include <vector>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t note_limit = 4096;

std::string check_of(const json::Value& note) { return digest::hex(digest::sha256(json::canonical(note))); }

}  // namespace

std::optional<GcNote> load_gc_note(const fs::path& store) {
  constexpr std::string_view what = "note of the last gc";
  try {
    const auto text = base::read_file(store / "pod" / "gc", note_limit);
    if (!text) return std::nullopt;
    json::Value value = json::parse(*text, what, {.bytes = note_limit, .depth = 2, .values = 20});
    const std::string check = json::string_member(value, "check", what);
    value.erase("check");
    if (check != check_of(value) || json::integer_member(value, "format", what) != 1) return std::nullopt;
    return GcNote{.history = json::string_member(value, "history", what),
                  .packs = json::string_member(value, "packs", what),
                  .refs = json::string_member(value, "refs", what),
                  .oldest = json::integer_member(value, "oldest", what)};
  } catch (const Error&) {
    return std::nullopt;
  }
}

void save_gc_note(const fs::path& store, const GcNote& note) noexcept {
  try {
    json::Value value = {
        {"format", 1}, {"history", note.history}, {"packs", note.packs}, {"refs", note.refs}, {"oldest", note.oldest}};
    value["check"] = check_of(value);
    const base::TempFolder work(store / "pod" / "tmp");
    const base::Fd fd = base::open_file(work.path() / "gc", O_WRONLY | O_CREAT | O_EXCL, 0600);
    base::write_all(fd.get(), base::bytes_of(json::canonical(value)), work.path() / "gc");
    fs::rename(work.path() / "gc", store / "pod" / "gc");
  } catch (const std::exception&) {
    // The next gc looks itself.
  }
}

std::string digest_of_packs(const fs::path& objects) {
  std::vector<std::string> lines;
  std::error_code error;
  for (fs::directory_iterator it(objects / "pack", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().native();
    if (name.starts_with("tmp_") || name.starts_with(".tmp-")) continue;
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) != 0) continue;
    lines.push_back(name + ' ' + std::to_string(status.st_size) + '\n');
  }
  std::sort(lines.begin(), lines.end());
  digest::Sha256 sha;
  for (const std::string& line : lines) sha.update(line);
  return digest::hex(sha.finish());
}

std::string digest_of_refs(const git::Repository& repository) {
  digest::Sha256 sha;
  for (const git::Ref& ref : repository.refs("refs/")) sha.update(ref.name + ' ' + ref.target.hex() + '\n');
  sha.update(base::read_file(repository.path() / "HEAD", note_limit).value_or(""));
  std::vector<std::string> logs;
  std::error_code error;
  for (fs::recursive_directory_iterator it(repository.path() / "logs", error), end; !error && it != end;
       it.increment(error)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) == 0 && S_ISREG(status.st_mode))
      logs.push_back(it->path().native() + ' ' + std::to_string(status.st_size) + ' ' +
                     std::to_string(status.st_mtim.tv_sec) + '\n');
  }
  std::sort(logs.begin(), logs.end());
  for (const std::string& log : logs) sha.update(log);
  return digest::hex(sha.finish());
}

}  // namespace pod::store
