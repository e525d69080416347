#include "document/python_values.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace pod::document {
namespace {

std::optional<Value> member(const Graph& graph, Value dict, std::string_view name) {
  for (const Part& part : graph.parts(dict))
    for (std::size_t at = 0; at + 1 < part.values.size(); at += 2)
      if (graph.is_text(part.values[at], name)) return part.values[at + 1];
  return std::nullopt;
}

/// Takes digits and separators off the front of an ISO 8601 text.
class Iso {
 public:
  explicit Iso(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool digits(std::size_t count, int least, int most, int& out) {
    if (rest_.size() < count || !base::is_digits(rest_.substr(0, count))) return false;
    out = 0;
    for (const char c : rest_.substr(0, count)) out = out * 10 + (c - '0');
    rest_.remove_prefix(count);
    return out >= least && out <= most;
  }

 private:
  std::string_view rest_;
};

struct Time {
  int hour = 0, minute = 0, second = 0, microsecond = 0;
};

/// HH:MM[:SS[.ffffff]], as `isoformat` writes it.
bool read_time(Iso& iso, Time& out) {
  if (!iso.digits(2, 0, 23, out.hour) || !iso.take(':') || !iso.digits(2, 0, 59, out.minute)) return false;
  if (!iso.take(':')) return true;
  if (!iso.digits(2, 0, 59, out.second)) return false;
  return !iso.take('.') || iso.digits(6, 0, 999'999, out.microsecond);
}

Value call(GraphBuilder& builder, std::string_view name, std::span<const Value> arguments) {
  const Value texts[] = {builder.copied(Kind::text, "datetime"), builder.copied(Kind::text, name)};
  const Value parts[] = {builder.add_node(Kind::global, texts), builder.add_node(Kind::tuple, arguments)};
  return builder.add_node(Kind::call, parts);
}

Value zone(GraphBuilder& builder, const Time& offset, bool negative) {
  std::int64_t seconds = offset.hour * 3600 + offset.minute * 60 + offset.second;
  std::int64_t microseconds = offset.microsecond;
  std::int64_t days = 0;
  if (negative && (seconds != 0 || microseconds != 0)) {
    seconds = 86'400 - seconds - (microseconds != 0 ? 1 : 0);
    microseconds = microseconds != 0 ? 1'000'000 - microseconds : 0;
    days = -1;
  }
  const Value delta[] = {builder.integer(days), builder.integer(seconds), builder.integer(microseconds)};
  const Value given[] = {call(builder, "timedelta", delta)};
  return call(builder, "timezone", given);
}

void put(std::string& out, int number, int bytes) {
  while (bytes-- > 0) out += static_cast<char>(number >> (8 * bytes));
}

/// What a pickle holds for `datetime.datetime`, `date` or `time`: its fields as bytes, and the zone.
std::optional<Value> from_iso(GraphBuilder& builder, std::string_view text, std::string_view kind, Value class_global) {
  Iso iso(text);
  std::string packed;
  int year = 0, month = 0, day = 0;
  if (kind != "time") {
    if (!iso.digits(4, 1, 9999, year) || !iso.take('-') || !iso.digits(2, 1, 12, month) || !iso.take('-') ||
        !iso.digits(2, 1, 31, day))
      return std::nullopt;
    put(packed, year, 2);
    put(packed, month, 1);
    put(packed, day, 1);
  }
  std::vector<Value> arguments;
  if (kind != "date") {
    Time time;
    if ((kind == "datetime" && !iso.take('T')) || !read_time(iso, time)) return std::nullopt;
    put(packed, time.hour, 1);
    put(packed, time.minute, 1);
    put(packed, time.second, 1);
    put(packed, time.microsecond, 3);
    arguments.push_back(builder.copied(Kind::bytes, packed));
    const bool negative = iso.take('-');
    if (negative || iso.take('+')) {
      Time offset;
      if (!read_time(iso, offset)) return std::nullopt;
      arguments.push_back(zone(builder, offset, negative));
    }
  } else {
    arguments.push_back(builder.copied(Kind::bytes, packed));
  }
  if (!iso.at_end()) return std::nullopt;
  const Value parts[] = {class_global, builder.add_node(Kind::tuple, arguments)};
  return builder.add_node(Kind::call, parts);
}

int hex_digit(char c) {
  if (base::is_digit(c)) return c - '0';
  const char low = base::lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::optional<Value> from_uuid_hex(GraphBuilder& builder, std::string_view hex, Value class_global) {
  if (hex.size() != 32) return std::nullopt;
  std::string bytes;  // two's complement, little endian
  for (std::size_t at = 32; at > 0; at -= 2) {
    const int high = hex_digit(hex[at - 2]);
    const int low = hex_digit(hex[at - 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  bytes += '\0';
  while (bytes.size() > 1 && bytes.back() == '\0' && (static_cast<unsigned char>(bytes[bytes.size() - 2]) & 0x80) == 0)
    bytes.pop_back();
  Value number;
  if (bytes.size() > 8) {
    number = builder.copied(Kind::big_integer, bytes);
  } else {
    std::uint64_t small = 0;
    for (std::size_t at = bytes.size(); at-- > 0;) small = small << 8 | static_cast<unsigned char>(bytes[at]);
    number = builder.integer(static_cast<std::int64_t>(small));
  }
  const Value pair[] = {builder.copied(Kind::text, "int"), number};
  const Value state = builder.add_node(Kind::dict, {});
  builder.add_part(state, Part::Act::items, pair);
  const Value parts[] = {class_global, builder.add_node(Kind::tuple, {})};
  const Value node = builder.add_node(Kind::object, parts);
  builder.add_part(node, Part::Act::state, std::span(&state, 1));
  return node;
}

}  // namespace

std::pair<std::string_view, std::string_view> split_class_name(std::string_view name) {
  const std::size_t last = name.rfind('.');
  if (last == std::string_view::npos) return {"builtins", name};
  for (std::size_t dot = name.find('.'); dot < last; dot = name.find('.', dot + 1)) {
    std::size_t first = dot + 1;
    while (first < name.size() && name[first] == '_') ++first;
    if (first < name.size() && name[first] >= 'A' && name[first] <= 'Z')
      return {name.substr(0, dot), name.substr(dot + 1)};
  }
  return {name.substr(0, last), name.substr(last + 1)};
}

std::optional<Value> add_known_object(GraphBuilder& builder, const Graph& graph, Value json,
                                      std::string_view class_name, Value class_global) {
  if (class_name == "uuid.UUID") {
    const auto hex = member(graph, json, "hex");
    if (hex && hex->kind() == Kind::text) return from_uuid_hex(builder, graph.text(*hex), class_global);
  }
  for (const std::string_view kind : {"datetime", "date", "time"})
    if (class_name == "datetime." + std::string(kind)) {
      const auto iso = member(graph, json, "isoformat");
      if (iso && iso->kind() == Kind::text) return from_iso(builder, graph.text(*iso), kind, class_global);
    }
  return std::nullopt;
}

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held);
  }
  return out;
}

std::optional<std::string> from_base85(std::string_view text) {
  constexpr std::string_view alphabet =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
  static_assert(alphabet.size() == 85);
  if (text.size() % 5 == 1) return std::nullopt;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 5) {
    const std::string_view group = text.substr(at, 5);
    std::uint64_t number = 0;
    for (std::size_t digit = 0; digit < 5; ++digit) {
      const auto value = digit < group.size() ? alphabet.find(group[digit]) : 84;
      if (value == std::string_view::npos) return std::nullopt;
      number = number * 85 + value;
    }
    if (number > 0xffffffff) return std::nullopt;
    for (std::size_t byte = 0; byte + 1 < group.size(); ++byte) out += static_cast<char>(number >> (24 - 8 * byte));
  }
  return out;
}

}  // namespace pod::document
