// The instructions of a pickle as lines for people. Looks at one after the other; nothing of a stack is kept.
#include "document/opcodes.hpp"
#include "document/pickle.hpp"

#include <libpod/error.hpp>

#include <bit>
#include <cstdint>

namespace pod::document {
namespace {

constexpr std::size_t longest = 120;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// Printable, cut where it would be longer than `longest` bytes with its quotes.
std::string shown(std::string_view bytes, std::string_view quotes) {
  constexpr std::size_t room = longest - 6;
  // An escape takes up to four bytes; only what may be shown is looked at.
  std::string text = printable(bytes.substr(0, room));
  bool cut = bytes.size() > room;
  if (text.size() > room) {
    std::size_t end = room;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    if (const std::size_t escape = text.rfind('\\', end); escape != std::string::npos && escape + 4 > end) end = escape;
    text.resize(end);
    cut = true;
  }
  std::string made(quotes);
  made += text;
  if (cut) made += "…";
  if (!quotes.empty()) made += '\'';
  return made;
}

/// LONG1 and LONG4: two's complement.
std::string number(std::string_view bytes) {
  if (bytes.empty()) return "0";
  if (bytes.size() > 8) return "a number of " + std::to_string(bytes.size()) + " bytes";
  std::uint64_t value = little_endian(bytes);
  if (bytes.size() < 8 && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0)
    value |= ~std::uint64_t{0} << (8 * bytes.size());
  return std::to_string(static_cast<std::int64_t>(value));
}

std::string real(std::string_view bytes) {
  std::uint64_t bits = 0;
  for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
  return std::to_string(std::bit_cast<double>(bits)).substr(0, longest);
}

/// Takes one instruction's argument off `rest`; false where the bytes make no sense.
bool take_argument(Argument kind, Op op, std::string_view& rest, std::string& argument) {
  const auto fixed = [&](std::size_t size, std::string_view& bytes) {
    if (rest.size() < size) return false;
    bytes = rest.substr(0, size);
    rest.remove_prefix(size);
    return true;
  };
  const auto line = [&](std::string_view& bytes) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    bytes = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
  };
  const auto counted = [&](std::size_t size, std::string_view& bytes) {
    std::string_view length;
    return fixed(size, length) && little_endian(length) <= rest.size() &&
           fixed(static_cast<std::size_t>(little_endian(length)), bytes);
  };
  std::string_view bytes;
  switch (kind) {
    case Argument::none: return true;
    case Argument::u1:
    case Argument::u2:
    case Argument::u4:
    case Argument::u8: {
      const std::size_t size = kind == Argument::u1 ? 1 : kind == Argument::u2 ? 2 : kind == Argument::u4 ? 4 : 8;
      if (!fixed(size, bytes)) return false;
      argument = std::to_string(little_endian(bytes));
      return true;
    }
    case Argument::i4:
      if (!fixed(4, bytes)) return false;
      argument = number(bytes);
      return true;
    case Argument::f8:
      if (!fixed(8, bytes)) return false;
      argument = real(bytes);
      return true;
    case Argument::line:
      if (!line(bytes)) return false;
      argument = shown(bytes, "");
      return true;
    case Argument::two_lines: {
      std::string_view second;
      if (!line(bytes) || !line(second)) return false;
      argument = shown(std::string(bytes.substr(0, longest)) + ' ' + std::string(second.substr(0, longest)), "'");
      return true;
    }
    case Argument::bytes1:
    case Argument::bytes4:
    case Argument::bytes8: {
      const std::size_t size = kind == Argument::bytes1 ? 1 : kind == Argument::bytes4 ? 4 : 8;
      if (!counted(size, bytes)) return false;
      const bool is_number = op == Op::long1 || op == Op::long4;
      const bool is_text = op == Op::short_binunicode || op == Op::binunicode || op == Op::binunicode8;
      argument = is_number ? number(bytes) : shown(bytes, is_text ? "'" : "b'");
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<Instruction> disassemble(std::string_view file, std::uint64_t first, std::size_t count) {
  std::vector<Instruction> instructions;
  if (first >= file.size()) return instructions;
  std::string_view rest = file.substr(static_cast<std::size_t>(first));
  while (instructions.size() < count && !rest.empty()) {
    const std::uint64_t offset = file.size() - rest.size();
    const auto op = static_cast<Op>(static_cast<unsigned char>(rest[0]));
    const OpcodeRow& row = opcode_table()[static_cast<unsigned char>(rest[0])];
    rest.remove_prefix(1);
    Instruction instruction{offset, std::string(row.name), {}};
    if (row.name.empty() || !take_argument(row.argument, op, rest, instruction.argument)) break;
    instructions.push_back(std::move(instruction));
    if (op == Op::stop) break;
  }
  return instructions;
}

}  // namespace pod::document
