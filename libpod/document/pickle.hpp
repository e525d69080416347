// Pickles of protocols 0 to 5, all 68 opcodes, read without running anything, and written in one canonical form.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pod::document {

/// Reads one pickle up to STOP; Graph::end() tells whether something follows. Module and name of globals of protocol 2
/// and below are mapped from Python 2 to 3 as `pickle` does. Error(corrupt) with opcode and offset for what a Python
/// unpickler would not read (unknown opcode, cut, stack underflow, memo slot never set, invalid UTF-8, …);
/// Error(refused) past a limit. Never recurses; memory is bounded by the file's size and the limits.
Graph read_pickle(std::string file, std::string_view what, const Limits& limits = {});

/// Whether the bytes look like the start of a pickle: PROTO with 2 to 5, or a first opcode of protocols 0 and 1 that no
/// text file starts with.
bool looks_like_pickle(std::string_view head) noexcept;

/// Canonical and edit-local: protocol 4, no frames, explicit memo slots (the lowest free one, free again after its last
/// use), none for texts, bytes and value objects (values.hpp) unless they are long; sets sorted by content, the order
/// of dicts kept. Loads to the same graph; reading and writing again gives the same bytes. Error(unsupported) for what
/// has no such form: loose effects, extension codes, buffers.
std::string write_pickle(const Graph& graph);

struct Instruction {
  std::uint64_t offset = 0;
  std::string name;      // as pickletools calls it: "STACK_GLOBAL"
  std::string argument;  // printable, at most 120 bytes; empty where there is none
};
/// The instructions from `first` on, at most `count`; stops at STOP or where the bytes make no sense (never throws).
/// One line of `pickletools.dis` each, without the stack's depth.
std::vector<Instruction> disassemble(std::string_view file, std::uint64_t first, std::size_t count);

}  // namespace pod::document
