#include "config_file.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace podgit {
namespace {

constexpr std::size_t size_limit = 1 << 20;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_name(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

[[noreturn]] void throw_io(int error, const char* what, const std::filesystem::path& path) {
  const auto code = error == EACCES || error == EPERM || error == EROFS ? pod::ErrorCode::denied : pod::ErrorCode::io;
  throw pod::Error(code, fmt::format("{} {} failed", what, pod::quote(path.native()))).because(std::strerror(error));
}

/// Name of a section from "[core]" or "[remote \"origin\"]"; nullopt where it is not one.
std::optional<std::string> parse_section(std::string_view line) {
  const std::size_t end = line.rfind(']');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = trimmed(line.substr(1, end - 1));
  const std::size_t quote_at = inside.find('"');
  const std::string_view name = trimmed(inside.substr(0, quote_at));
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_name)) return std::nullopt;
  if (quote_at == std::string_view::npos) return lower(name);
  if (inside.size() < quote_at + 2 || inside.back() != '"') return std::nullopt;
  std::string sub;
  for (std::size_t i = quote_at + 1; i + 1 < inside.size(); ++i) {
    if (inside[i] == '\\' && i + 2 < inside.size()) ++i;
    sub += inside[i];
  }
  return lower(name) + "." + sub;
}

/// The value as git reads it: quotes removed, escapes replaced, comments dropped, blanks at the end dropped.
std::optional<std::string> parse_value(std::string_view text) {
  text = trimmed(text);
  std::string out;
  std::size_t kept = 0;  // blanks after this are dropped unless more follows
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!quoted && (c == '#' || c == ';')) break;
    if (c == '"') {
      quoted = !quoted;
      kept = out.size();
    } else if (c == '\\') {
      if (++i == text.size()) return std::nullopt;
      switch (text[i]) {
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case 'b': out += '\b'; break;
        case '"': out += '"'; break;
        case '\\': out += '\\'; break;
        case '\n': break;  // continued line
        default: return std::nullopt;
      }
      kept = out.size();
    } else {
      out += c;
      if (quoted || !is_blank(c)) kept = out.size();
    }
  }
  if (quoted) return std::nullopt;
  out.resize(kept);
  return out;
}

std::string quoted_value(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out += '"';
}

/// Length of the line at the start of `text`, with continuations, without its end.
std::size_t logical_line(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '\n')
      return i;
  }
  return text.size();
}

}  // namespace

ConfigFile ConfigFile::read(const std::filesystem::path& path) {
  ConfigFile out;
  out.path_ = path;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return out;
    throw_io(errno, "reading", path);
  }
  struct stat info {};
  struct stat link {};
  std::string text;
  int error = fstat(fd, &info) != 0 ? errno : 0;
  if (error == 0 && !S_ISREG(info.st_mode)) error = EINVAL;
  std::array<char, 16384> buffer{};
  while (error == 0 && text.size() <= size_limit) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  if (error != 0) throw_io(error, "reading", path);
  if (text.size() > size_limit)
    throw pod::Error(pod::ErrorCode::refused,
                     fmt::format("the configuration {} is larger than 1 MiB", pod::quote(path.native())));
  out.exists_ = true;
  out.private_ =
      lstat(path.c_str(), &link) == 0 && S_ISREG(link.st_mode) && info.st_uid == geteuid() && (info.st_mode & 077) == 0;
  out.parse(text);
  return out;
}

void ConfigFile::parse(std::string_view text) {
  lines_.clear();
  entries_.clear();
  std::string section;
  std::size_t number = 1;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t length = logical_line(text);
    const std::string_view raw = text.substr(0, length);
    const std::string_view line = trimmed(raw);
    const auto bad = [&] {
      return pod::Error(pod::ErrorCode::corrupt, fmt::format("line {} of the configuration {} cannot be read", number,
                                                             pod::quote(path_.native())))
          .hint("correct the line; the syntax is git's: [section], then key = value");
    };
    std::string key;
    if (line.starts_with('[')) {
      const auto name = parse_section(line);
      if (!name) throw bad();
      section = *name;
    } else if (!line.empty() && line.front() != '#' && line.front() != ';') {
      const std::size_t equals = line.find('=');
      const std::string_view name = trimmed(line.substr(0, equals));
      const auto value =
          equals == std::string_view::npos ? std::optional<std::string>("true") : parse_value(line.substr(equals + 1));
      if (section.empty() || name.empty() || !std::all_of(name.begin(), name.end(), is_name) || !value) throw bad();
      key = section + "." + lower(name);
      entries_.emplace_back(key, *value);
    }
    lines_.push_back({std::string(raw), section, key});
    number += 1 + static_cast<std::size_t>(std::count(raw.begin(), raw.end(), '\n'));
    text.remove_prefix(std::min(text.size(), length + 1));
  }
}

std::optional<std::string> ConfigFile::find(std::string_view key) const {
  const std::string wanted = lower(key);
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
    if (entry->first == wanted) return entry->second;
  return std::nullopt;
}

void ConfigFile::set(std::string_view key, std::optional<std::string_view> value) {
  const std::string wanted = lower(key);
  const std::size_t dot = wanted.rfind('.');
  const std::string section = wanted.substr(0, dot);
  std::vector<std::string> out;
  bool done = !value;
  const std::string assignment = value ? fmt::format("\t{} = {}", wanted.substr(dot + 1), quoted_value(*value)) : "";
  std::size_t end_of_section = 0;
  for (const Line& line : lines_) {
    const bool replaced = line.key == wanted;
    if (!replaced)
      out.push_back(line.text);
    else if (!done)
      out.push_back(assignment);
    done = done || replaced;
    if (line.section == section && !line.text.empty()) end_of_section = out.size();
  }
  if (!done && end_of_section > 0) {
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(end_of_section), assignment);
  } else if (!done) {
    out.push_back("[" + section + "]");
    out.push_back(assignment);
  }
  std::string text;
  for (const std::string& line : out) text += line + "\n";
  write(text);
  parse(text);
}

void ConfigFile::write(std::string_view text) {
  std::error_code ignored;
  std::filesystem::create_directories(path_.parent_path(), ignored);
  std::string temporary = path_.native() + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);  // 0600
  if (fd < 0) throw_io(errno, "writing", path_);
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), path_.c_str()) != 0) error = errno;
  if (error != 0) {
    unlink(temporary.c_str());
    throw_io(error, "writing", path_);
  }
  exists_ = private_ = true;
}

}  // namespace podgit
