#include "document/document.hpp"

#include <libpod/error.hpp>

#include "document/json_reader.hpp"
#include "document/pickle.hpp"
#include "document/sqlite_reader.hpp"

#include <algorithm>

namespace pod::document {
namespace {

constexpr std::string_view sqlite_magic{"SQLite format 3\0", 16};
constexpr std::string_view blank = " \t\r\n";
constexpr std::size_t enough = 4096;

std::string_view without_blank(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(blank), text.size()));
}

/// An object or an array, as far as the first characters tell.
bool looks_like_json(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  head = without_blank(head);
  if (head.empty() || (head[0] != '{' && head[0] != '[')) return false;
  const bool object = head[0] == '{';
  head = without_blank(head.substr(1));
  if (head.empty()) return true;
  return object ? head[0] == '"' || head[0] == '}'
                : std::string_view("{[]\"-0123456789tfn").find(head[0]) != std::string_view::npos;
}

/// `"py/` where a key begins.
bool looks_like_jsonpickle(std::string_view head) {
  for (std::size_t at = head.find("\"py/"); at != std::string_view::npos; at = head.find("\"py/", at + 1)) {
    const auto before = head.substr(0, at).find_last_not_of(blank);
    if (before != std::string_view::npos && (head[before] == '{' || head[before] == ',')) return true;
  }
  return false;
}

}  // namespace

std::string_view format_name(Format format) noexcept {
  switch (format) {
    case Format::pickle:
    case Format::tagged_pickle: return "pickle";
    case Format::json: return "json";
    case Format::jsonpickle: return "jsonpickle";
    case Format::sqlite: return "sqlite";
    case Format::opaque: break;
  }
  return "opaque";
}

Format detect(std::string_view head) {
  head = head.substr(0, enough);
  if (head.starts_with(sqlite_magic)) return Format::sqlite;
  if (looks_like_json(head)) return looks_like_jsonpickle(head) ? Format::jsonpickle : Format::json;
  if (looks_like_pickle(head)) return Format::pickle;
  if (head.size() > 2 && (head[0] == 'p' || head[0] == 'd') && head[1] == '\x80' && looks_like_pickle(head.substr(1)))
    return Format::tagged_pickle;
  return Format::opaque;
}

Graph read(std::string file, Format format, std::string_view what, const Limits& limits) {
  switch (format) {
    case Format::pickle: return read_pickle(std::move(file), what, limits);
    case Format::tagged_pickle:
      if (!file.empty()) file.erase(0, 1);
      return read_pickle(std::move(file), what, limits);
    case Format::json: return read_json(std::move(file), what, limits);
    case Format::jsonpickle: return read_jsonpickle(std::move(file), what, limits);
    case Format::sqlite: return read_sqlite(std::move(file), what, limits);
    case Format::opaque: break;
  }
  throw Error(ErrorCode::unsupported, quote(what) + " is in no format that can be read");
}

}  // namespace pod::document
