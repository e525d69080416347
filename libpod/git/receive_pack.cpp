#include "git/receive_pack.hpp"

#include <libpod/error.hpp>

#include <charconv>

namespace pod::git {
namespace {

constexpr std::string_view flush = "0000";
constexpr std::string_view capabilities = "report-status delete-refs ofs-delta";
constexpr std::size_t most_commands = 16u << 20;
constexpr std::size_t head_size = 4;
constexpr std::size_t most_line = 65516;  // what fits, without the head

void append_line(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::string_view cut = text.substr(0, most_line - 1);
  const std::size_t size = cut.size() + 1 + head_size;
  for (const unsigned shift : {12u, 8u, 4u, 0u}) out += digits[size >> shift & 15];
  out.append(cut) += '\n';
}

Error no_request() { return Error(ErrorCode::corrupt, "what came is no push as git writes it"); }

std::size_t size_of_line(std::string_view head) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), size, 16);
  if (error != std::errc() || end != head.data() + head.size() || (size != 0 && size <= head_size)) throw no_request();
  return size;
}

RefCommand parse_command(std::string_view line) {
  constexpr std::size_t id = 2 * Oid::size;
  line = line.substr(0, line.find('\0'));
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.size() <= 2 * id + 2 || line[id] != ' ' || line[2 * id + 1] != ' ') throw no_request();
  return {std::string(line.substr(2 * id + 2)), Oid::parse(line.substr(0, id)), Oid::parse(line.substr(id + 1, id))};
}

}  // namespace

std::string advertise(const std::vector<RemoteHead>& heads, const std::vector<Oid>& have) {
  std::string out;
  bool first = true;
  const auto add = [&](const Oid& id, const std::string& name) {
    std::string line = id.hex() + " " + name;
    if (first) line.append(1, '\0').append(capabilities);
    append_line(out, line);
    first = false;
  };
  for (const RemoteHead& head : heads) add(head.id, head.name);
  for (const Oid& id : have) add(id, ".have");
  if (first) add(Oid(), "capabilities^{}");
  return out += flush;
}

void PushRequest::add(std::string_view bytes) {
  if (whole_) return;  // the pack
  bytes_ += bytes;
  std::string_view rest = bytes_;
  while (rest.size() >= head_size) {
    const std::size_t size = size_of_line(rest.substr(0, head_size));
    if (size == 0) {
      whole_ = std::move(read_);
      bytes_.clear();
      return;
    }
    if (rest.size() < size) break;
    read_.push_back(parse_command(rest.substr(head_size, size - head_size)));
    rest.remove_prefix(size);
  }
  bytes_.erase(0, bytes_.size() - rest.size());
  if (read_.size() * 2 * 2 * Oid::size > most_commands)
    throw Error(ErrorCode::refused, "a push moves too many refs at once");
}

std::string report(const std::vector<RefReport>& refs) {
  std::string out;
  append_line(out, "unpack ok");
  for (const RefReport& ref : refs)
    append_line(out, ref.refusal.empty() ? "ok " + ref.name : "ng " + ref.name + " " + ref.refusal);
  return out += flush;
}

}  // namespace pod::git
