#include "git/strict_object.hpp"

#include "base/ascii.hpp"
#include "git/refs.hpp"
#include "git/repository.hpp"
#include "git/reserved_names.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace pod::git {
namespace {

constexpr std::size_t most_parents = 256;
constexpr std::size_t longest_name = 1024;

/// Takes an object apart line by line.
class Lines {
 public:
  Lines(const Oid& id, ObjectType type, std::string_view bytes) : id_(id), type_(type), rest_(bytes) {}

  [[noreturn]] void fail(ErrorCode code, std::string_view why) const {
    throw Error(code, "the " + std::string(type_name(type_)) + " " + id_.hex() +
                          (code == ErrorCode::refused ? " may not be taken" : " is damaged"))
        .because(std::string(why));
  }
  [[noreturn]] void damaged(std::string_view why) const { fail(ErrorCode::corrupt, why); }

  bool at(std::string_view word) const { return rest_.starts_with(word); }
  bool at_end() const { return rest_.empty(); }
  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) damaged("it is cut short");
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return out;
  }
  std::string_view after(std::string_view word) {
    if (!at(word)) damaged("it has no " + std::string(word.substr(0, word.size() - 1)) + " where it belongs");
    return line().substr(word.size());
  }
  void id_after(std::string_view word) {
    const std::string_view text = after(word);
    const auto is_digit = [](char c) { return base::is_digit(c) || (c >= 'a' && c <= 'f'); };
    if (text.size() != 2 * Oid::size || !std::all_of(text.begin(), text.end(), is_digit)) damaged("an id is none");
  }

  /// "name <address> seconds +hhmm"
  void person_after(std::string_view word) {
    std::string_view text = after(word);
    const std::size_t open = text.find_first_of("<>");
    if (open == std::string_view::npos || text[open] != '<' || open == 0 || text[open - 1] != ' ')
      damaged("a name has no address");
    text.remove_prefix(open + 1);
    const std::size_t close = text.find_first_of("<>");
    if (close == std::string_view::npos || text[close] != '>') damaged("an address has no end");
    text.remove_prefix(close + 1);
    if (!text.starts_with(' ')) damaged("a person has no time");
    text.remove_prefix(1);
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const auto length = static_cast<std::size_t>(end - text.data());
    // Later than this no calendar of stock git goes.
    constexpr std::int64_t latest = std::int64_t{1} << 55;
    if (error != std::errc() || !base::is_digit(text.front()) || seconds > latest ||
        (text.front() == '0' && length > 1))
      damaged("a time is none");
    text.remove_prefix(length);
    if (text.size() != 6 || text[0] != ' ' || (text[1] != '+' && text[1] != '-') || !base::is_digits(text.substr(2)))
      damaged("a time has no zone");
  }

 private:
  const Oid& id_;
  ObjectType type_;
  std::string_view rest_;
};

void check_commit(Lines lines, std::string_view content) {
  if (content.find('\0') != std::string_view::npos) lines.damaged("it holds a zero byte");
  lines.id_after("tree ");
  for (std::size_t count = 0; lines.at("parent "); ++count) {
    if (count == most_parents) lines.fail(ErrorCode::refused, "it has more than 256 parents");
    lines.id_after("parent ");
  }
  lines.person_after("author ");
  lines.person_after("committer ");
  while (!lines.at_end()) {
    if (lines.at("author ") || lines.at("parent ") || lines.at("tree "))
      lines.damaged("a line of its head is there twice");
    if (lines.line().empty()) return;
  }
}

void check_tag(Lines lines, std::string_view content) {
  if (content.find('\0') != std::string_view::npos) lines.damaged("it holds a zero byte");
  lines.id_after("object ");
  constexpr std::array<std::string_view, 4> types{"commit", "tree", "blob", "tag"};
  const std::string_view type = lines.after("type ");
  if (std::find(types.begin(), types.end(), type) == types.end()) lines.damaged("it names an object of no type");
  const std::string_view name = lines.after("tag ");
  try {
    check_ref_name("refs/tags/" + std::string(name));
  } catch (const Error&) {
    lines.damaged("its name is none");
  }
  lines.person_after("tagger ");
  if (!lines.at_end() && !lines.line().empty()) lines.damaged("its head has a line too many");
}

void check_tree(const Lines& lines, const Oid& id, std::string_view content) {
  for (const TreeEntry& entry : parse_tree(id, content)) {
    if (entry.id.is_zero()) lines.damaged("the entry " + quote(entry.name) + " names no object");
    if (entry.mode != 0100644 && entry.mode != 0100755 && entry.mode != 040000)
      lines.fail(ErrorCode::refused, "the entry " + quote(entry.name) + " is neither a file nor a folder");
    if (entry.name.size() > longest_name) lines.fail(ErrorCode::refused, "a name is too long");
    if (is_forbidden_name(entry.name))
      lines.fail(ErrorCode::refused, "the name " + quote(entry.name) + " means something to git or to a system");
  }
}

}  // namespace

void check_strictly(const Oid& id, ObjectType type, std::string_view content) {
  const Lines lines(id, type, content);
  switch (type) {
    case ObjectType::commit: return check_commit(lines, content);
    case ObjectType::tag: return check_tag(lines, content);
    case ObjectType::tree: return check_tree(lines, id, content);
    case ObjectType::blob: return;
  }
}

}  // namespace pod::git
