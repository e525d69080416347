#include "git/config_file.hpp"

#include "base/ascii.hpp"
#include "base/files.hpp"
#include "git/libgit2.hpp"
#include "git/repository.hpp"

#include <fcntl.h>
#include <algorithm>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t config_limit = 1u << 20;

std::string cannot_read(const fs::path& named) {
  return "the configuration " + quote(named.native()) + " cannot be read";
}

/// What is wrong with the text is told from what the system says of the file.
Error unreadable(int result, const fs::path& named) {
  const git_error* last = git_error_last();
  const bool of_the_text = last != nullptr && last->klass == GIT_ERROR_CONFIG && last->message != nullptr &&
                           !std::string_view(last->message).starts_with("failed to stat");
  return libgit2_error(result, of_the_text ? ErrorCode::corrupt : ErrorCode::io, cannot_read(named));
}

ConfigHandle open_config(const fs::path& file, const fs::path& named) {
  start_libgit2();
  git_config* raw = nullptr;
  int result = git_config_new(&raw);
  ConfigHandle config(raw);
  if (result == 0) result = git_config_add_file_ondisk(config.get(), file.c_str(), GIT_CONFIG_LEVEL_LOCAL, nullptr, 0);
  if (result < 0) throw unreadable(result, named);
  return config;
}

ConfigEntries entries_of(git_config* config, const fs::path& named) {
  git_config_iterator* raw = nullptr;
  if (const int result = git_config_iterator_new(&raw, config); result < 0) throw unreadable(result, named);
  const ConfigIteratorHandle iterator(raw);
  ConfigEntries entries;
  git_config_entry* entry = nullptr;
  int result = 0;
  // A key without "=" means true.
  while ((result = git_config_next(&entry, iterator.get())) == 0)
    entries.emplace_back(entry->name, entry->value != nullptr ? entry->value : "true");
  if (result != GIT_ITEROVER) throw unreadable(result, named);
  return entries;
}

std::optional<std::string> read_text(const fs::path& file) {
  std::optional<std::string> text = base::read_file(file, config_limit);
  if (!text) return text;
  if (base::lower(*text).find("[include") != std::string::npos)
    throw Error(ErrorCode::refused, "the configuration " + quote(file.native()) + " includes other files")
        .hint("write the settings into this file and remove its include sections");
  if (text->find('\0') != std::string::npos)
    throw Error(ErrorCode::corrupt, "the configuration " + quote(file.native()) + " is damaged")
        .because("it holds a NUL byte");
  return text;
}

/// Whether a line of it begins as keys do.
bool says_something(std::string_view text) {
  for (std::size_t start = 0; start < text.size(); start = text.find('\n', start)) {
    start = text.find_first_not_of(" \t\r\n", start);
    if (start == std::string_view::npos) return false;
    if (base::is_alpha(text[start])) return true;
  }
  return false;
}

bool is_plain(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return base::is_alnum(c) || std::string_view("._/:@%+-,=").find(c) != std::string_view::npos;
  });
}

/// In quotes, so that blanks, comment signs and carriage returns stay what they are.
std::string written(std::string_view value) {
  if (is_plain(value)) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '"':
      case '\\': out += '\\'; [[fallthrough]];
      default: out += c;
    }
  }
  return out += '"';
}

/// The key as libgit2 gives it back: section and name in lower case, the part between as it is.
std::string normal_key(std::string_view key) {
  const std::size_t first = key.find('.');
  const std::size_t last = key.rfind('.');
  return base::lower(key.substr(0, first)) + std::string(key.substr(first, last - first)) +
         base::lower(key.substr(last));
}

void write_copy(const fs::path& copy, std::string_view text) {
  const base::Fd fd = base::open_file(copy, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  base::write_all(fd.get(), base::bytes_of(text), copy);
}

/// The text after one change. libgit2 edits a copy, since it neither syncs what it writes nor gets past a stale lock;
/// and it writes a word of ours instead of the value, since it loses carriage returns.
std::string changed(std::string before, const std::string& key, const std::optional<std::string>& value,
                    const fs::path& copy, const fs::path& file) {
  const auto failed = [&](int result) {
    return libgit2_error(result, ErrorCode::io, "the configuration " + quote(file.native()) + " cannot be changed");
  };
  std::string word = "podvalue";
  while (before.find(word) != std::string::npos) word += 'x';
  write_copy(copy, before);
  {
    const ConfigHandle config = open_config(copy, file);
    int result = git_config_delete_multivar(config.get(), key.c_str(), ".*");
    if (result < 0 && result != GIT_ENOTFOUND) throw failed(result);
    if (value) result = git_config_set_string(config.get(), key.c_str(), word.c_str());
    if (value && result < 0) throw failed(result);
  }
  std::string after = base::read_file(copy, config_limit).value_or("");
  if (!value) return after;
  const std::size_t at = after.find(word);
  if (at == std::string::npos)
    throw Error(ErrorCode::internal, "the configuration " + quote(file.native()) + " cannot be changed");
  return after.replace(at, word.size(), written(*value));
}

}  // namespace

void check_config_key(std::string_view key) {
  const std::size_t first = key.find('.');
  const std::size_t last = key.rfind('.');
  const auto is_word = [](std::string_view word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return base::is_alnum(c) || c == '-'; });
  };
  const bool shaped = first != std::string_view::npos && is_word(key.substr(0, first)) &&
                      is_word(key.substr(last + 1)) && base::is_alpha(key[last + 1]) && key.size() <= 1024;
  bool clean = shaped;
  if (shaped && last > first)
    for (const char c : key.substr(first, last - first))
      if (static_cast<unsigned char>(c) < 32 || c == 127) clean = false;
  if (!clean)
    throw Error(ErrorCode::invalid_argument, "the configuration key " + quote(key) + " is not allowed")
        .hint("a key reads section.name or section.part.name, with letters, digits and \"-\"");
}

ConfigEntries read_config(const fs::path& file) {
  const std::optional<std::string> text = read_text(file);
  if (!text) return {};
  ConfigEntries entries = entries_of(open_config(file, file).get(), file);
  // libgit2 takes a file that it cannot look at for one that is not there.
  if (entries.empty() && says_something(*text))
    throw Error(ErrorCode::io, cannot_read(file)).because("it says something, and libgit2 found nothing");
  return entries;
}

std::optional<std::string> find_config(const ConfigEntries& entries, std::string_view key) {
  const std::string wanted = normal_key(key);
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
    if (entry->first == wanted) return entry->second;
  return std::nullopt;
}

void write_config(const fs::path& file, const ConfigChanges& changes) {
  std::string text = read_text(file).value_or("");
  ConfigEntries expected = read_config(file);
  const base::TempFolder scratch(file.parent_path(), ".tmp-config-");
  const fs::path copy = scratch.path() / "config";
  for (const auto& [key, value] : changes) {
    check_config_key(key);
    if (value && value->find('\0') != std::string::npos)
      throw Error(ErrorCode::invalid_argument, "the value of " + quote(key) + " holds a NUL byte");
    text = changed(std::move(text), key, value, copy, file);
    std::erase_if(expected, [wanted = normal_key(key)](const auto& entry) { return entry.first == wanted; });
    if (value) expected.emplace_back(normal_key(key), *value);
  }
  write_copy(copy, text);
  ConfigEntries got = read_config(copy);
  std::sort(expected.begin(), expected.end());
  std::sort(got.begin(), got.end());
  if (got != expected)
    throw Error(ErrorCode::invalid_argument,
                "the configuration cannot hold this value of " + quote(changes.front().first))
        .keeping("the configuration was not changed");
  base::write_file_atomically(file, text);
}

std::vector<std::pair<std::string, std::string>> read_config_file(const fs::path& file) {
  // People link the files of their home folder to where they keep them.
  std::error_code error;
  const fs::path real = fs::weakly_canonical(file, error);
  return read_config(error ? file : real);
}

void write_config_file(const fs::path& file, std::string_view key, std::optional<std::string_view> value) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(file, error);
  const fs::path& target = error ? file : real;
  if (target.has_parent_path()) {
    fs::create_directories(target.parent_path(), error);
    if (error) base::throw_errno(error.value(), "create the folder", target.parent_path());
  }
  write_config(target, {{std::string(key), value ? std::optional<std::string>(*value) : std::nullopt}});
}

}  // namespace pod::git
