#include "document/opcodes.hpp"

namespace pod::document {
namespace {

constexpr std::array<OpcodeRow, 256> make_table() {
  std::array<OpcodeRow, 256> rows{};
  rows[0x28] = {"MARK", Argument::none, 0};
  rows[0x29] = {"EMPTY_TUPLE", Argument::none, 1};
  rows[0x2e] = {"STOP", Argument::none, 0};
  rows[0x30] = {"POP", Argument::none, 0};
  rows[0x31] = {"POP_MARK", Argument::none, 1};
  rows[0x32] = {"DUP", Argument::none, 0};
  rows[0x42] = {"BINBYTES", Argument::bytes4, 3};
  rows[0x43] = {"SHORT_BINBYTES", Argument::bytes1, 3};
  rows[0x46] = {"FLOAT", Argument::line, 0};
  rows[0x47] = {"BINFLOAT", Argument::f8, 1};
  rows[0x49] = {"INT", Argument::line, 0};
  rows[0x4a] = {"BININT", Argument::i4, 1};
  rows[0x4b] = {"BININT1", Argument::u1, 1};
  rows[0x4c] = {"LONG", Argument::line, 0};
  rows[0x4d] = {"BININT2", Argument::u2, 1};
  rows[0x4e] = {"NONE", Argument::none, 0};
  rows[0x50] = {"PERSID", Argument::line, 0};
  rows[0x51] = {"BINPERSID", Argument::none, 1};
  rows[0x52] = {"REDUCE", Argument::none, 0};
  rows[0x53] = {"STRING", Argument::line, 0};
  rows[0x54] = {"BINSTRING", Argument::bytes4, 1};
  rows[0x55] = {"SHORT_BINSTRING", Argument::bytes1, 1};
  rows[0x56] = {"UNICODE", Argument::line, 0};
  rows[0x58] = {"BINUNICODE", Argument::bytes4, 1};
  rows[0x5d] = {"EMPTY_LIST", Argument::none, 1};
  rows[0x61] = {"APPEND", Argument::none, 0};
  rows[0x62] = {"BUILD", Argument::none, 0};
  rows[0x63] = {"GLOBAL", Argument::two_lines, 0};
  rows[0x64] = {"DICT", Argument::none, 0};
  rows[0x65] = {"APPENDS", Argument::none, 1};
  rows[0x67] = {"GET", Argument::line, 0};
  rows[0x68] = {"BINGET", Argument::u1, 1};
  rows[0x69] = {"INST", Argument::two_lines, 0};
  rows[0x6a] = {"LONG_BINGET", Argument::u4, 1};
  rows[0x6c] = {"LIST", Argument::none, 0};
  rows[0x6f] = {"OBJ", Argument::none, 1};
  rows[0x70] = {"PUT", Argument::line, 0};
  rows[0x71] = {"BINPUT", Argument::u1, 1};
  rows[0x72] = {"LONG_BINPUT", Argument::u4, 1};
  rows[0x73] = {"SETITEM", Argument::none, 0};
  rows[0x74] = {"TUPLE", Argument::none, 0};
  rows[0x75] = {"SETITEMS", Argument::none, 1};
  rows[0x7d] = {"EMPTY_DICT", Argument::none, 1};
  rows[0x80] = {"PROTO", Argument::u1, 2};
  rows[0x81] = {"NEWOBJ", Argument::none, 2};
  rows[0x82] = {"EXT1", Argument::u1, 2};
  rows[0x83] = {"EXT2", Argument::u2, 2};
  rows[0x84] = {"EXT4", Argument::i4, 2};
  rows[0x85] = {"TUPLE1", Argument::none, 2};
  rows[0x86] = {"TUPLE2", Argument::none, 2};
  rows[0x87] = {"TUPLE3", Argument::none, 2};
  rows[0x88] = {"NEWTRUE", Argument::none, 2};
  rows[0x89] = {"NEWFALSE", Argument::none, 2};
  rows[0x8a] = {"LONG1", Argument::bytes1, 2};
  rows[0x8b] = {"LONG4", Argument::bytes4, 2};
  rows[0x8c] = {"SHORT_BINUNICODE", Argument::bytes1, 4};
  rows[0x8d] = {"BINUNICODE8", Argument::bytes8, 4};
  rows[0x8e] = {"BINBYTES8", Argument::bytes8, 4};
  rows[0x8f] = {"EMPTY_SET", Argument::none, 4};
  rows[0x90] = {"ADDITEMS", Argument::none, 4};
  rows[0x91] = {"FROZENSET", Argument::none, 4};
  rows[0x92] = {"NEWOBJ_EX", Argument::none, 4};
  rows[0x93] = {"STACK_GLOBAL", Argument::none, 4};
  rows[0x94] = {"MEMOIZE", Argument::none, 4};
  rows[0x95] = {"FRAME", Argument::u8, 4};
  rows[0x96] = {"BYTEARRAY8", Argument::bytes8, 5};
  rows[0x97] = {"NEXT_BUFFER", Argument::none, 5};
  rows[0x98] = {"READONLY_BUFFER", Argument::none, 5};
  return rows;
}

constexpr std::array<OpcodeRow, 256> rows = make_table();

}  // namespace

const std::array<OpcodeRow, 256>& opcode_table() noexcept { return rows; }

}  // namespace pod::document
