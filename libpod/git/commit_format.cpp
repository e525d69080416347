// The bytes of a commit.
//
//   tree <id>
//   parent <id>                                  one line each
//   author <name> <<email>> <seconds> <zone>     zone as +hhmm
//   committer …
//   (other headers, with lines that continue after a blank)
//   (empty line, then the message)
#include "git/repository.hpp"

#include "base/ascii.hpp"

#include <libpod/error.hpp>

#include <charconv>

namespace pod::git {
namespace {

constexpr std::uint64_t commit_limit = 16u << 20;

std::string clean_name(std::string_view text, std::string_view instead) {
  std::string out;
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 32 && c != 127 && c != '<' && c != '>') out += c;
  while (!out.empty() && out.back() == ' ') out.pop_back();
  out.erase(0, out.find_first_not_of(' '));
  return out.empty() ? std::string(instead) : out;
}

std::string clean_message(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '\r' && c != '\0') out += c;
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out += '\n';
}

void append_signature(std::string& out, std::string_view role, const Signature& signature) {
  // Git reads at most four digits of hours and minutes; no place on earth is further away.
  const int given = signature.time.offset_minutes;
  const int minutes = given > 14 * 60 || given < -14 * 60 ? 0 : given;
  const int size = minutes < 0 ? -minutes : minutes;
  out += role;
  out += ' ';
  out += clean_name(signature.name, "unknown");
  out += " <";
  out += clean_name(signature.email, "unknown");
  out += "> ";
  out += std::to_string(signature.time.seconds < 0 ? 0 : signature.time.seconds);
  out += minutes < 0 ? " -" : " +";
  for (const int part : {size / 60, size % 60}) {
    out += static_cast<char>('0' + part / 10);
    out += static_cast<char>('0' + part % 10);
  }
  out += '\n';
}

class Reader {
 public:
  Reader(const Oid& id, std::string_view bytes) : id_(id), rest_(bytes) {}

  [[noreturn]] void damaged(std::string_view why) const {
    throw Error(ErrorCode::corrupt, "the commit " + id_.hex() + " is damaged").because(std::string(why));
  }
  bool at(std::string_view word) const { return rest_.starts_with(word); }
  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) damaged("it is cut short");
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return out;
  }
  Oid id_after(std::string_view word) {
    const std::string_view text = line().substr(word.size());
    if (text.size() != 2 * Oid::size) damaged("an id has the wrong length");
    try {
      return Oid::parse(text);
    } catch (const Error&) {
      damaged("an id is not hexadecimal");
    }
  }
  Signature signature_after(std::string_view word) {
    if (!at(word)) damaged("it has no " + std::string(word));
    const std::string_view text = line().substr(word.size());
    const std::size_t open = text.find('<');
    const std::size_t close = text.rfind('>');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
      damaged("a name has no address");
    Signature out;
    out.name = text.substr(0, open > 0 && text[open - 1] == ' ' ? open - 1 : open);
    out.email = text.substr(open + 1, close - open - 1);
    out.time = time_of(text.substr(close + 1));
    return out;
  }
  std::string_view rest() const { return rest_; }

 private:
  Time time_of(std::string_view text) const {
    if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    Time time;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time.seconds);
    if (error != std::errc()) damaged("a time is no number");
    const std::string_view zone = text.substr(static_cast<std::size_t>(end - text.data()));
    if (zone.size() < 6 || zone[0] != ' ' || (zone[1] != '+' && zone[1] != '-') || !base::is_digits(zone.substr(2)))
      return time;  // git itself reads such a commit; the moment is what counts
    const auto digit = [&](std::size_t i) { return zone[i] - '0'; };
    const int minutes = (digit(2) * 10 + digit(3)) * 60 + digit(4) * 10 + digit(5);
    time.offset_minutes = zone[1] == '-' ? -minutes : minutes;
    return time;
  }

  Oid id_;
  std::string_view rest_;
};

}  // namespace

std::string encode_commit(const Commit& commit) {
  std::string out = "tree " + commit.tree.hex() + '\n';
  for (const Oid& parent : commit.parents) out += "parent " + parent.hex() + '\n';
  append_signature(out, "author", commit.author);
  append_signature(out, "committer", commit.committer);
  out += '\n';
  out += clean_message(commit.message);
  return out;
}

Commit parse_commit(const Oid& id, std::string_view bytes) {
  Reader reader(id, bytes);
  Commit commit;
  commit.id = id;
  if (!reader.at("tree ")) reader.damaged("it has no tree");
  commit.tree = reader.id_after("tree ");
  while (reader.at("parent ")) commit.parents.push_back(reader.id_after("parent "));
  commit.author = reader.signature_after("author ");
  commit.committer = reader.signature_after("committer ");
  while (!reader.rest().empty() && !reader.line().empty()) {
  }
  commit.message = reader.rest();
  return commit;
}

Commit read_commit(ObjectDatabase& objects, const Oid& id) {
  Commit commit = parse_commit(id, objects.read(id, ObjectType::commit, commit_limit));
  commit.cut = !commit.parents.empty() && objects.is_cut(id);
  if (commit.cut) commit.parents.clear();
  return commit;
}

}  // namespace pod::git
