#include "document/json_reader.hpp"

#include <libpod/error.hpp>

#include "json/events.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace pod::document {
namespace {

constexpr std::size_t most_digits = 4300;  // as many as Python reads

/// Two's complement, little endian, no byte more than needed.
std::string twos_complement(std::string_view digits, bool negative) {
  std::vector<std::uint32_t> limbs;  // little endian
  for (std::size_t at = 0; at < digits.size();) {
    std::uint64_t chunk = 0;
    std::uint64_t scale = 1;
    for (; at < digits.size() && scale < 1'000'000'000; ++at, scale *= 10)
      chunk = chunk * 10 + static_cast<std::uint64_t>(digits[at] - '0');
    for (std::uint32_t& limb : limbs) {
      chunk += limb * scale;
      limb = static_cast<std::uint32_t>(chunk);
      chunk >>= 32;
    }
    if (chunk != 0) limbs.push_back(static_cast<std::uint32_t>(chunk));
  }
  std::string bytes;
  for (const std::uint32_t limb : limbs)
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(limb >> shift);
  bytes += '\0';
  if (negative) {
    unsigned carry = 1;
    for (char& byte : bytes) {
      const unsigned flipped = (~static_cast<unsigned>(static_cast<unsigned char>(byte)) & 0xffu) + carry;
      byte = static_cast<char>(flipped);
      carry = flipped >> 8;
    }
  }
  const auto sign = [](char byte) { return (static_cast<unsigned char>(byte) & 0x80) != 0 ? '\xff' : '\0'; };
  while (bytes.size() > 1 && bytes.back() == sign(bytes[bytes.size() - 2])) bytes.pop_back();
  return bytes;
}

/// Collects the values of the containers that are open, and makes each one when it ends.
class Collector : public json::Events {
 public:
  Collector(GraphBuilder& builder, std::string_view what) : builder_(builder), what_(what) {}
  Value root() const { return values_.empty() ? Value{} : values_.front(); }

  void null() override { add(builder_.none()); }
  void boolean(bool value) override { add(builder_.boolean(value)); }
  void integer(std::int64_t value) override { add(builder_.integer(value)); }
  void long_integer(std::string_view digits) override { add(add_decimal(builder_, digits, what_)); }
  void real(double value) override { add(builder_.real(std::bit_cast<std::uint64_t>(value))); }
  void text(std::string_view value) override { add(builder_.copied(Kind::text, value)); }
  void key(std::string_view name) override { values_.push_back(builder_.copied(Kind::text, name)); }
  void begin_object() override { open_.push_back(values_.size()); }
  void begin_array() override { open_.push_back(values_.size()); }
  void end_object() override {
    const std::size_t first = open_.back();
    check_keys(first);
    close(Kind::dict, Part::Act::items);
  }
  void end_array() override { close(Kind::list, Part::Act::append); }

 private:
  void add(Value value) {
    builder_.spend();
    values_.push_back(value);
  }
  void close(Kind kind, Part::Act act) {
    const std::size_t first = open_.back();
    open_.pop_back();
    const Value node = builder_.add_node(kind, {});
    if (values_.size() > first) builder_.add_part(node, act, std::span(values_).subspan(first));
    values_.resize(first);
    add(node);
  }
  void check_keys(std::size_t first) {
    names_.clear();
    for (std::size_t at = first; at < values_.size(); at += 2) names_.push_back(builder_.graph().text(values_[at]));
    std::sort(names_.begin(), names_.end());
    const auto twice = std::adjacent_find(names_.begin(), names_.end());
    if (twice != names_.end())
      throw Error(ErrorCode::corrupt,
                  quote(what_) + " is not acceptable JSON: the key " + quote(*twice) + " is there twice");
  }

  GraphBuilder& builder_;
  std::string_view what_;
  std::vector<Value> values_;
  std::vector<std::size_t> open_;  // where the values of each open container begin
  std::vector<std::string_view> names_;
};

}  // namespace

Value add_decimal(GraphBuilder& builder, std::string_view digits, std::string_view what) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  if (digits.size() > most_digits)
    throw Error(ErrorCode::refused,
                quote(what) + " holds a number of more than " + std::to_string(most_digits) + " digits");
  const std::string bytes = twos_complement(digits, negative);
  if (bytes.size() > 8) return builder.copied(Kind::big_integer, bytes);
  std::uint64_t number = (static_cast<unsigned char>(bytes.back()) & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t at = bytes.size(); at-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[at]);
  return builder.integer(static_cast<std::int64_t>(number));
}

Value add_json(GraphBuilder& builder, std::string_view text, std::string_view what) {
  const Limits& limits = builder.limits();
  Collector collector(builder, what);
  json::read(text, what, {.bytes = limits.bytes, .depth = static_cast<int>(limits.depth), .values = limits.steps},
             collector);
  return collector.root();
}

Graph read_json(std::string file, std::string_view what, const Limits& limits) {
  GraphBuilder builder(std::move(file), what, limits);
  const Value root = add_json(builder, builder.file(), what);
  const std::uint64_t end = builder.file().size();
  return std::move(builder).finish(root, 0, end);
}

}  // namespace pod::document
