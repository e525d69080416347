// A document: what a state file says, whatever its format, as one graph of values. Nothing in it was run.
//
// A pickle, a JSON text, a jsonpickle text and a SQLite database all become a Graph. A Value is 8 bytes: an *atom*
// (none, boolean, integer, …), which has no identity, or a *node* (list, dict, object, …), which has: two Values that
// name the same node are the same object, so sharing and cycles are what they were in the emulator. Texts and bytes
// stay where they are in the file; the Graph owns the file.
//
// A node has *arguments*, given when it was made, and *parts*, what was done to it afterwards, in order:
//
//   kind            arguments                          parts
//   tuple           the elements                       –
//   frozen_set      the members                        –
//   list            –                                  append
//   dict            –                                  items
//   set             –                                  add
//   byte_array      –  (bytes())                       –
//   global          module text, name text             state, effect (both are refused by policy)
//   persistent      the id                             any
//   call            callable, argument tuple           any      REDUCE
//   object          class, argument tuple              any      NEWOBJ
//   object_kw       class, argument tuple, keywords    any      NEWOBJ_EX
//   instance        class, then the arguments          any      INST, OBJ
//   extension       the code                           any      EXT1, EXT2, EXT4
//   buffer          –                                  –        NEXT_BUFFER: data outside the stream
//   readonly_buffer the buffer                         –
//
// (list, dict and set may also have state and effect parts, where a file holds them.)
//
// Thread word: immutable once built, safe. Memory: 8 bytes a value, about 24 a node, beside the file itself.
#pragma once

#include "document/growing.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pod::document {

enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,      // fits 64 bits
  big_integer,  // two's complement, little endian, in bytes()
  real,
  text,  // UTF-8; lone surrogates as their three bytes
  bytes,
  byte_text,  // Python 2 str (STRING, BINSTRING, SHORT_BINSTRING)
  tuple,
  frozen_set,
  list,
  dict,
  set,
  byte_array,
  global,
  persistent,
  call,
  object,
  object_kw,
  instance,
  extension,
  buffer,
  readonly_buffer,
};
constexpr bool is_node(Kind kind) noexcept { return kind >= Kind::tuple; }

using NodeId = std::uint32_t;

/// 8 bytes, trivially copied. Means something only together with its Graph.
class Value {
 public:
  constexpr Value() = default;  // none
  constexpr Kind kind() const noexcept { return static_cast<Kind>(bits_ & kind_mask); }
  constexpr bool is_node() const noexcept { return document::is_node(kind()); }
  /// Only for nodes. Ids count from 0 in the order in which nodes were made.
  constexpr NodeId node() const noexcept { return static_cast<NodeId>(bits_ >> kind_bits); }
  /// Equal to no value of any document: what an empty place holds.
  static constexpr Value no_value() noexcept { return Value(Kind{kind_mask}, 0); }
  /// The same atom at the same place of the file, or the same node. Equal texts at two places are not `same`.
  friend constexpr bool operator==(Value a, Value b) noexcept = default;

 private:
  friend class Graph;
  friend class GraphBuilder;
  static constexpr unsigned kind_bits = 5;
  static constexpr std::uint64_t kind_mask = (1u << kind_bits) - 1;
  constexpr Value(Kind kind, std::uint64_t payload) noexcept
      : bits_(static_cast<std::uint64_t>(kind) | payload << kind_bits) {}
  std::uint64_t bits_ = 0;
};
static_assert(sizeof(Value) == 8);

/// What was done to a node after it was made.
struct Part {
  enum class Act : std::uint8_t {
    append,  // elements
    add,     // members
    items,   // key, value, key, value, …
    state,   // one value: BUILD
    effect,  // one value: a call whose first argument is this node and whose result was dropped
  };
  Act act;
  std::uint32_t sequence;  // of all parts of the document: a smaller one was done earlier
  std::span<const Value> values;
};

/// What a file may cost. Error(refused) past any of them; the message names the limit.
struct Limits {
  std::uint64_t bytes = 64ull << 20;
  std::uint64_t steps = 50'000'000;  // opcodes, JSON values, rows × columns
  std::uint64_t nodes = 20'000'000;
  std::uint64_t memo = 10'000'000;  // entries
  std::uint32_t depth = 10'000;     // of nesting; what reads a Graph does not recurse either
};

class Graph {
 public:
  Graph(Graph&&) noexcept = default;
  Graph& operator=(Graph&&) noexcept = default;

  Value root() const noexcept { return root_; }
  std::size_t node_count() const noexcept { return nodes_.size(); }
  Value node(NodeId id) const noexcept { return Value(nodes_[id].kind, id); }

  // Atoms. The kind must be the one that is asked for.
  bool boolean(Value value) const noexcept { return payload(value) != 0; }
  std::int64_t integer(Value value) const noexcept;
  double real(Value value) const noexcept { return std::bit_cast<double>(real_bits(value)); }
  std::uint64_t real_bits(Value value) const noexcept {
    return eight_bytes(payload(value));
  }  // tells NaNs, zeros apart
  /// Of text, bytes, byte_text, big_integer, byte_array.
  std::string_view bytes(Value value) const noexcept;
  std::string_view text(Value value) const noexcept { return bytes(value); }
  /// A text with these bytes?
  bool is_text(Value value, std::string_view text) const noexcept {
    return value.kind() == Kind::text && bytes(value) == text;
  }

  // Nodes.
  std::span<const Value> arguments(Value value) const noexcept {
    const Node& node = nodes_[value.node()];
    return {values_.data() + node.first_argument, node.argument_count};
  }
  /// In order. Cost: one step a part; adjacent SETITEMS, APPENDS, ADDITEMS are one part where the file made them one.
  class Parts;
  Parts parts(Value value) const noexcept;

  /// Calls whose result was dropped and whose first argument is no node (or that have none), in order. They belong to
  /// no node, so a writer has to put them somewhere: policy refuses them, the writer does too.
  std::span<const Value> loose_effects() const noexcept { return loose_effects_; }
  /// Of a pickle: the highest protocol it says or uses, and where it ends: size of the file unless something follows.
  int protocol() const noexcept { return protocol_; }
  std::uint64_t end() const noexcept { return end_; }
  /// Where in the file a node was made: the offset of its opcode; 0 where the format has none.
  std::uint64_t offset(Value node) const noexcept { return nodes_[node.node()].offset; }
  /// Of a finished graph's node: what value_marks.hpp settled.
  std::uint8_t mark(Value node) const noexcept { return nodes_[node.node()].mark; }
  // Ask the processor for what will be looked at soon: a node; its arguments and first part; the values of that part.
  void expect_node(NodeId id) const noexcept { __builtin_prefetch(&nodes_[id]); }
  void expect_contents(NodeId id) const noexcept {
    const Node& node = nodes_[id];
    __builtin_prefetch(values_.data() + node.first_argument);
    if (node.first_part != none_part) __builtin_prefetch(&part_records_[node.first_part]);
  }
  void expect_values(NodeId id) const noexcept {
    const Node& node = nodes_[id];
    if (node.first_part != none_part) __builtin_prefetch(values_.data() + part_records_[node.first_part].first_value);
  }
  /// The node that the first part begins with: most objects' state. `id` itself where there is none.
  NodeId first_given(NodeId id) const noexcept {
    const Node& node = nodes_[id];
    if (node.first_part == none_part) return id;
    const Value given = values_[part_records_[node.first_part].first_value];
    return given.is_node() ? given.node() : id;
  }
  /// A place among the values of all nodes by number, so that it takes 4 bytes; and back.
  std::uint32_t slot_number(const Value* slot) const noexcept {
    return static_cast<std::uint32_t>(slot - values_.data());
  }
  const Value* slot(std::uint32_t number) const noexcept { return values_.data() + number; }
  std::string_view file() const noexcept { return file_; }

 private:
  friend class GraphBuilder;
  friend class PartIterator;
  Graph() = default;
  // The payload of a Value, 59 bits:
  //   integer           58 bits as they are, or `elsewhere` and the place of 8 bytes in extra_
  //   real              the place of 8 bytes in extra_
  //   text, bytes, …    24 bits of length over 34 bits of place, or `elsewhere` and an index into long_bytes_
  //   nodes             the NodeId
  // A place below the file's size lies in the file, one behind it in extra_.
  static constexpr std::uint64_t elsewhere = std::uint64_t{1} << 58;
  static constexpr unsigned length_bits = 24;
  static constexpr unsigned place_bits = 34;
  struct Node {
    std::uint32_t first_argument = 0;
    std::uint32_t argument_count = 0;
    std::uint32_t first_part = none_part;
    std::uint32_t last_part = none_part;
    std::uint64_t offset : 48 = 0;
    std::uint64_t mark : 8 = 0;
    Kind kind = Kind::none;
  };
  static_assert(sizeof(Node) == 24);
  struct PartRecord {
    std::uint32_t first_value = 0;
    std::uint32_t value_count = 0;
    std::uint32_t next = none_part;
    std::uint32_t sequence_and_act = 0;
  };
  struct LongBytes {
    std::uint64_t place = 0;
    std::uint64_t length = 0;
  };
  static constexpr std::uint32_t none_part = 0xffffffff;
  static constexpr unsigned act_bits = 3;
  static constexpr std::uint64_t payload(Value value) noexcept { return value.bits_ >> Value::kind_bits; }
  std::string_view at(std::uint64_t place, std::uint64_t length) const noexcept;
  std::uint64_t eight_bytes(std::uint64_t place) const noexcept;

  std::string file_;
  std::string extra_;  // bytes that do not stand in the file as they are
  std::vector<LongBytes> long_bytes_;
  Growing<Node> nodes_;
  Growing<PartRecord> part_records_;
  Growing<Value> values_;
  std::vector<Value> loose_effects_;
  Value root_;
  int protocol_ = 0;
  std::uint64_t end_ = 0;
};

/// Gives the parts of one node in order.
class PartIterator {
 public:
  using value_type = Part;
  using difference_type = std::ptrdiff_t;
  PartIterator() = default;
  Part operator*() const noexcept {
    const Graph::PartRecord& record = graph_->part_records_[record_];
    return {static_cast<Part::Act>(record.sequence_and_act & ((1u << Graph::act_bits) - 1)),
            record.sequence_and_act >> Graph::act_bits,
            {graph_->values_.data() + record.first_value, record.value_count}};
  }
  PartIterator& operator++() noexcept {
    record_ = graph_->part_records_[record_].next;
    return *this;
  }
  PartIterator operator++(int) noexcept {
    PartIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const PartIterator& a, const PartIterator& b) noexcept { return a.record_ == b.record_; }

 private:
  friend class Graph;
  PartIterator(const Graph* graph, std::uint32_t record) noexcept : graph_(graph), record_(record) {}
  const Graph* graph_ = nullptr;
  std::uint32_t record_ = Graph::none_part;
};

class Graph::Parts {
 public:
  PartIterator begin() const noexcept { return first_; }
  PartIterator end() const noexcept { return {}; }
  bool empty() const noexcept { return first_ == PartIterator(); }

 private:
  friend class Graph;
  explicit Parts(PartIterator first) noexcept : first_(first) {}
  PartIterator first_;
};

inline Graph::Parts Graph::parts(Value value) const noexcept {
  const std::uint32_t first = nodes_[value.node()].first_part;
  return Parts(first == none_part ? PartIterator() : PartIterator(this, first));
}

inline std::int64_t Graph::integer(Value value) const noexcept {
  const std::uint64_t bits = payload(value);
  if ((bits & elsewhere) != 0) return static_cast<std::int64_t>(eight_bytes(bits & ~elsewhere));
  return static_cast<std::int64_t>(bits << 6) >> 6;  // 58 bits with their sign
}

inline std::string_view Graph::at(std::uint64_t place, std::uint64_t length) const noexcept {
  if (place < file_.size()) return {file_.data() + place, length};
  return {extra_.data() + (place - file_.size()), length};
}

inline std::string_view Graph::bytes(Value value) const noexcept {
  if (value.kind() == Kind::byte_array) value = arguments(value)[0];
  const std::uint64_t bits = payload(value);
  if ((bits & elsewhere) == 0) return at(bits & ((std::uint64_t{1} << place_bits) - 1), bits >> place_bits);
  const LongBytes& found = long_bytes_[bits & ~elsewhere];
  return at(found.place, found.length);
}

inline std::uint64_t Graph::eight_bytes(std::uint64_t place) const noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, extra_.data() + place, sizeof bits);
  return bits;
}

}  // namespace pod::document
