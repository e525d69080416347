// One line of text for a value.

#include "document/values.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace pod::document {
namespace {

constexpr int depth_limit = 6;

using Bytes = std::string_view;

unsigned byte_at(Bytes bytes, std::size_t i) { return static_cast<unsigned char>(bytes[i]); }

/// At most `limit` bytes, cut between code points.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  static constexpr std::string_view ellipsis = "…";
  std::size_t end = limit > ellipsis.size() ? limit - ellipsis.size() : 0;
  while (end > 0 && (byte_at(text, end) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text += ellipsis;
}

/// Decimal digits of two's complement bytes.
std::string decimal(Bytes bytes) {
  const bool negative = !bytes.empty() && (byte_at(bytes, bytes.size() - 1) & 0x80) != 0;
  std::vector<std::uint8_t> magnitude(bytes.begin(), bytes.end());
  if (negative) {
    unsigned carry = 1;
    for (std::uint8_t& byte : magnitude) {
      carry += static_cast<std::uint8_t>(~byte);
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
  }
  std::string digits;
  while (std::any_of(magnitude.begin(), magnitude.end(), [](std::uint8_t byte) { return byte != 0; })) {
    unsigned rest = 0;
    for (std::size_t i = magnitude.size(); i-- > 0;) {
      rest = rest << 8 | magnitude[i];
      magnitude[i] = static_cast<std::uint8_t>(rest / 10);
      rest %= 10;
    }
    digits += static_cast<char>('0' + rest);
  }
  if (digits.empty()) digits = "0";
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

class Renderer {
 public:
  Renderer(const Graph& graph, std::size_t limit) : graph_(graph), limit_(limit) {}

  std::string render(Value value, int depth = 0) const {
    if (depth > depth_limit) return "…";
    const auto arguments = value.is_node() ? graph_.arguments(value) : std::span<const Value>();
    switch (value.kind()) {
      case Kind::none: return "null";
      case Kind::boolean: return graph_.boolean(value) ? "true" : "false";
      case Kind::integer: return std::to_string(graph_.integer(value));
      case Kind::big_integer: return big(value);
      case Kind::real: return fmt::format("{}", graph_.real(value));
      case Kind::text:
      case Kind::byte_text: return '"' + printable(graph_.bytes(value).substr(0, limit_)) + '"';
      case Kind::bytes:
      case Kind::byte_array: return render_bytes(graph_.bytes(value));
      case Kind::tuple:
        return is_value_object(graph_, value) ? joined(arguments, depth) : counted("tuple", arguments.size());
      case Kind::frozen_set: return counted("set", arguments.size());
      case Kind::list: return counted("list", count(value, Part::Act::append, 1));
      case Kind::set: return counted("set", count(value, Part::Act::add, 1));
      case Kind::dict: return counted("dict", count(value, Part::Act::items, 2));
      case Kind::global: return name_of(value, "name");
      case Kind::persistent: return "reference " + render(arguments[0], depth + 1);
      case Kind::extension: return "extension " + render(arguments[0], depth + 1);
      case Kind::buffer:
      case Kind::readonly_buffer: return "buffer";
      case Kind::call:
      case Kind::object:
      case Kind::object_kw:
      case Kind::instance: return render_object(value, depth);
    }
    return {};
  }

 private:
  static std::string counted(std::string_view what, std::size_t count) { return fmt::format("{} of {}", what, count); }

  std::size_t count(Value value, Part::Act act, std::size_t each) const {
    std::size_t values = 0;
    for (const Part& part : graph_.parts(value))
      if (part.act == act) values += part.values.size();
    return values / each;
  }

  std::string big(Value value) const {
    const Bytes bytes = graph_.bytes(value);
    return bytes.size() <= 64 ? decimal(bytes) : fmt::format("number of {} bytes", bytes.size());
  }

  static std::string render_bytes(Bytes bytes) {
    std::string text = fmt::format("{} bytes", bytes.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 8); ++i)
      text += fmt::format("{}{:02x}", i == 0 ? ": " : " ", byte_at(bytes, i));
    return bytes.size() > 8 ? text + " …" : text;
  }

  std::string joined(std::span<const Value> values, int depth) const {
    std::string text = "(";
    for (const Value value : values) {
      if (text.size() > limit_) break;
      if (text.size() > 1) text += ", ";
      text += render(value, depth + 1);
    }
    return text + ')';
  }

  std::string name_of(Value global, std::string_view otherwise) const {
    const auto name = global_name(graph_, global);
    return name ? printable(name->name.substr(0, limit_)) : std::string(otherwise);
  }

  /// What a call or an object was made from, where that says what it is.
  std::span<const Value> given(Value value) const {
    const auto arguments = graph_.arguments(value);
    if (value.kind() == Kind::instance) return arguments.subspan(1);
    return arguments[1].kind() == Kind::tuple ? graph_.arguments(arguments[1]) : std::span<const Value>();
  }

  std::string render_object(Value value, int depth) const {
    const auto name = class_of(graph_, value);
    if (!name) return value.kind() == Kind::call ? "call" : "object";
    const auto arguments = given(value);
    if (is_value_object(graph_, value)) {
      if (name->module == "datetime") return render_time(*name, arguments, depth);
      if (*name == ClassName{"uuid", "UUID"}) return render_uuid(value);
      if (name->module == "ipaddress" && arguments.size() == 1) return render_address(*name, arguments[0], depth);
      if (arguments.empty()) return printable(name->name);
      if (arguments.size() == 1 && !arguments[0].is_node()) {
        if (*name == ClassName{"decimal", "Decimal"} && arguments[0].kind() == Kind::text)
          return printable(graph_.text(arguments[0]));
        if (name->module == "pod_agent.restore") return printable(name->name) + ' ' + render(arguments[0], depth + 1);
        // an enum member
        const bool plain = arguments[0].kind() == Kind::text;
        return printable(name->name) + '.' +
               (plain ? printable(graph_.text(arguments[0])) : render(arguments[0], depth + 1));
      }
      return printable(name->name) + joined(arguments, depth);
    }
    return printable(name->name);
  }

  std::string render_time(const ClassName& name, std::span<const Value> arguments, int depth) const {
    const bool packed =
        !arguments.empty() && (arguments[0].kind() == Kind::bytes || arguments[0].kind() == Kind::byte_text);
    const Bytes bytes = packed ? graph_.bytes(arguments[0]) : Bytes();
    if (name.name == "datetime" && bytes.size() == 10)
      return date(bytes) + 'T' + clock(bytes.substr(4)) + zone(arguments);
    if (name.name == "date" && bytes.size() == 4) return date(bytes);
    if (name.name == "time" && bytes.size() == 6) return clock(bytes) + zone(arguments);
    if (name.name == "timedelta" && arguments.size() == 3 && integers(arguments))
      return fmt::format("{} days {} s {} us", graph_.integer(arguments[0]), graph_.integer(arguments[1]),
                         graph_.integer(arguments[2]));
    if (name.name == "timezone" && !arguments.empty()) {
      const std::string offset = offset_of(arguments[0]);
      return offset == "+00:00" ? "UTC" : "UTC" + offset;
    }
    return printable(name.name) + joined(arguments, depth);
  }

  static std::string date(Bytes bytes) {
    // the month's top bit marks the second of two equal times at the end of summer time
    return fmt::format("{:04}-{:02}-{:02}", byte_at(bytes, 0) << 8 | byte_at(bytes, 1), byte_at(bytes, 2) & 0x7f,
                       byte_at(bytes, 3));
  }
  static std::string clock(Bytes bytes) {
    const unsigned micro = byte_at(bytes, 3) << 16 | byte_at(bytes, 4) << 8 | byte_at(bytes, 5);
    std::string text = fmt::format("{:02}:{:02}:{:02}", byte_at(bytes, 0) & 0x7f, byte_at(bytes, 1), byte_at(bytes, 2));
    return micro == 0 ? text : text + fmt::format(".{:06}", micro);
  }
  std::string zone(std::span<const Value> arguments) const {
    if (arguments.size() < 2) return {};
    const auto name = class_of(graph_, arguments[1]);
    if (!name) return {};
    if (name->name == "tzutc") return "+00:00";
    const auto of_zone = given(arguments[1]);
    if (*name == ClassName{"datetime", "timezone"} && !of_zone.empty()) return offset_of(of_zone[0]);
    if (of_zone.size() == 1 && of_zone[0].kind() == Kind::text) return '[' + printable(graph_.text(of_zone[0])) + ']';
    return {};
  }
  /// Of a timedelta: "+01:00".
  std::string offset_of(Value delta) const {
    if (class_of(graph_, delta) != ClassName{"datetime", "timedelta"}) return {};
    const auto parts = given(delta);
    if (parts.size() != 3 || !integers(parts)) return {};
    const std::int64_t days = graph_.integer(parts[0]);
    const std::int64_t seconds = graph_.integer(parts[1]);
    if (days < -1 || days > 1 || seconds < 0 || seconds >= 86400) return {};
    const std::int64_t all = days * 86400 + seconds;
    const std::int64_t size = all < 0 ? -all : all;
    return fmt::format("{}{:02}:{:02}", all < 0 ? '-' : '+', size / 3600, size / 60 % 60);
  }
  static bool integers(std::span<const Value> values) {
    return std::all_of(values.begin(), values.end(), [](Value value) { return value.kind() == Kind::integer; });
  }

  /// Sixteen bytes, most significant first, of a number that is not negative.
  std::optional<std::array<unsigned, 16>> wide(Value value) const {
    std::array<unsigned, 16> out{};
    if (value.kind() == Kind::integer) {
      std::int64_t number = graph_.integer(value);
      if (number < 0) return std::nullopt;
      for (std::size_t i = 16; i-- > 8; number >>= 8) out.at(i) = static_cast<unsigned>(number & 0xff);
      return out;
    }
    if (value.kind() != Kind::big_integer) return std::nullopt;
    const Bytes bytes = graph_.bytes(value);
    if (bytes.size() > 17 || (bytes.size() == 17 && bytes[16] != '\0')) return std::nullopt;
    if (bytes.size() <= 16 && (byte_at(bytes, bytes.size() - 1) & 0x80) != 0) return std::nullopt;
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 16); ++i) out.at(15 - i) = byte_at(bytes, i);
    return out;
  }

  std::string render_uuid(Value value) const {
    for (const Part& part : graph_.parts(value))
      for (const Part& items : graph_.parts(part.values[0]))
        for (std::size_t i = 0; i + 1 < items.values.size(); i += 2)
          if (graph_.is_text(items.values[i], "int"))
            if (const auto bytes = wide(items.values[i + 1])) {
              std::string text;
              for (std::size_t j = 0; j < 16; ++j) {
                if (j == 4 || j == 6 || j == 8 || j == 10) text += '-';
                text += fmt::format("{:02x}", bytes->at(j));
              }
              return text;
            }
    return "UUID";
  }

  std::string render_address(const ClassName& name, Value address, int depth) const {
    if (address.kind() == Kind::text) return printable(graph_.text(address));
    const auto bytes = wide(address);
    if (!bytes) return printable(name.name) + '(' + render(address, depth + 1) + ')';
    if (name.name.starts_with("IPv4"))
      return fmt::format("{}.{}.{}.{}", bytes->at(12), bytes->at(13), bytes->at(14), bytes->at(15));
    std::string text;
    for (std::size_t i = 0; i < 16; i += 2)
      text += fmt::format("{}{:x}", i == 0 ? "" : ":", bytes->at(i) << 8 | bytes->at(i + 1));
    return text;
  }

  const Graph& graph_;
  std::size_t limit_;
};

}  // namespace

std::string render(const Graph& graph, Value value, std::size_t limit) {
  return cut(Renderer(graph, limit).render(value), limit);
}

}  // namespace pod::document
