#include "document/inline_pickle.hpp"

#include "digest/digest.hpp"
#include "document/opcodes.hpp"
#include "document/values.hpp"
#include "document/walk.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace pod::document {
namespace {

void append_op(std::string& out, Op op) { out += static_cast<char>(op); }

void append_integer(std::string& out, std::int64_t value) {
  if (value >= 0 && value <= 0xff) {
    append_op(out, Op::binint1);
    append_number(out, static_cast<std::uint64_t>(value), 1);
  } else if (value >= 0 && value <= 0xffff) {
    append_op(out, Op::binint2);
    append_number(out, static_cast<std::uint64_t>(value), 2);
  } else if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    append_op(out, Op::binint);
    append_number(out, static_cast<std::uint64_t>(value), 4);
  } else {
    unsigned size = 8;
    while (size > 1 && (value >> (8 * size - 9)) == (value >> 63)) --size;
    append_op(out, Op::long1);
    append_number(out, size, 1);
    append_number(out, static_cast<std::uint64_t>(value), size);
  }
}

void append_big(std::string& out, std::string_view bytes) {
  append_op(out, bytes.size() < 256 ? Op::long1 : Op::long4);
  append_number(out, bytes.size(), bytes.size() < 256 ? 1 : 4);
  out += bytes;
}

void append_all(std::string& out, const Graph& graph, std::span<const Value> values) {
  for (const Value value : values) append_inline(out, graph, value);
}

void append_tuple(std::string& out, const Graph& graph, std::span<const Value> values) {
  static constexpr Op short_ones[] = {Op::empty_tuple, Op::tuple1, Op::tuple2, Op::tuple3};
  if (values.size() > 3) append_op(out, Op::mark);
  append_all(out, graph, values);
  append_op(out, values.size() > 3 ? Op::tuple : short_ones[values.size()]);
}

void append_frozen_set(std::string& out, const Graph& graph, std::span<const Value> values) {
  std::vector<std::string> members;
  members.reserve(values.size());
  for (const Value value : values) append_inline(members.emplace_back(), graph, value);
  std::sort(members.begin(), members.end());
  append_op(out, Op::mark);
  for (const std::string& member : members) out += member;
  append_op(out, Op::frozenset);
}

/// The items of a UUID's state, by key.
void append_state(std::string& out, const Graph& graph, Value dict) {
  std::vector<std::string> items;
  for (const Part& part : graph.parts(dict))
    for (std::size_t i = 0; i + 1 < part.values.size(); i += 2) {
      std::string& item = items.emplace_back();
      append_inline(item, graph, part.values[i]);
      append_inline(item, graph, part.values[i + 1]);
    }
  std::sort(items.begin(), items.end());
  append_op(out, Op::empty_dict);
  append_op(out, Op::mark);
  for (const std::string& item : items) out += item;
  append_op(out, Op::setitems);
  append_op(out, Op::build);
}

/// Collects an outline until the budget is spent.
class Outline {
 public:
  explicit Outline(const Graph& graph) : graph_(graph) {}

  std::string of(Value value, int depth) {
    if (!value.is_node() || is_value_object(graph_, value)) {
      std::string text;
      append_inline(text, graph_, value);
      // Long texts count by their digest: an outline stays short.
      if (text.size() > 256) text = digest::hex(digest::sha256(text));
      return text;
    }
    std::string text(1, static_cast<char>(value.kind()));
    if (depth == 0) return text;
    if (value.kind() == Kind::frozen_set) {
      add_unordered(text, graph_.arguments(value), 1, depth);
      return text;
    }
    for (const Value argument : graph_.arguments(value)) {
      if (!spend()) return text;
      text += of(argument, depth - 1);
    }
    // Grouped as they are written: how many batches a file has them in must not show.
    PartGroups groups(graph_, value, storage_);
    for (PartGroup group{}; groups.next(group);) add_group(text, group, depth);
    return text;
  }

 private:
  bool spend() { return budget_ > 0 && budget_-- > 0; }
  void add_group(std::string& text, const PartGroup& group, int depth) {
    text += static_cast<char>('0' + static_cast<int>(group.act));
    if (group.act == Part::Act::effect) return;  // it begins with the object itself
    if (group.act == Part::Act::items) return add_unordered(text, group.values, 2, depth);
    if (group.act == Part::Act::add) return add_unordered(text, group.values, 1, depth);
    append_number(text, group.values.size(), 8);
    if (group.values.size() > budget_) return;
    for (const Value value : group.values)
      if (spend()) text += of(value, depth - 1);
  }
  /// Each piece, `step` values, has the same share of the budget: what order the pieces stand in must not show.
  void add_unordered(std::string& text, std::span<const Value> values, std::size_t step, int depth) {
    // The size first: what the budget does not reach still counts a little.
    append_number(text, values.size(), 8);
    if (values.empty() || values.size() > budget_) return;
    const std::size_t share = budget_ / (values.size() / step);
    const std::size_t whole = budget_;
    std::size_t used = 0;
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at + step <= values.size(); at += step) {
      budget_ = share;
      std::string& piece = pieces.emplace_back();
      for (std::size_t j = 0; j < step; ++j)
        if (spend()) piece += of(values[at + j], depth - 1);
      used += share - budget_;
    }
    budget_ = whole - used;
    std::sort(pieces.begin(), pieces.end());
    for (const std::string& piece : pieces) text += piece;
  }

  const Graph& graph_;
  std::deque<std::vector<Value>> storage_;
  std::size_t budget_ = 256;
};

constexpr int outline_depth = 4;

}  // namespace

void append_number(std::string& out, std::uint64_t number, unsigned size) {
  out.append(reinterpret_cast<const char*>(&number), size);  // little-endian, as every machine that this is built for
}

void append_counted(std::string& out, Kind kind, std::string_view bytes) {
  struct Row {
    Op one;
    Op four;
    Op eight;
  };
  const Row row = kind == Kind::text    ? Row{Op::short_binunicode, Op::binunicode, Op::binunicode8}
                  : kind == Kind::bytes ? Row{Op::short_binbytes, Op::binbytes, Op::binbytes8}
                                        : Row{Op::short_binstring, Op::binstring, Op::binstring};
  const unsigned size = bytes.size() < 256 ? 1 : bytes.size() <= 0x7fffffff ? 4 : 8;
  append_op(out, size == 1 ? row.one : size == 4 ? row.four : row.eight);
  append_number(out, bytes.size(), size);
  out += bytes;
}

void append_inline(std::string& out, const Graph& graph, Value value) {
  switch (value.kind()) {
    case Kind::none: return append_op(out, Op::none);
    case Kind::boolean: return append_op(out, graph.boolean(value) ? Op::newtrue : Op::newfalse);
    case Kind::integer: return append_integer(out, graph.integer(value));
    case Kind::big_integer: return append_big(out, graph.bytes(value));
    case Kind::real:
      append_op(out, Op::binfloat);
      return append_number(out, __builtin_bswap64(graph.real_bits(value)), 8);
    case Kind::text:
    case Kind::bytes:
    case Kind::byte_text: return append_counted(out, value.kind(), graph.bytes(value));
    case Kind::tuple: return append_tuple(out, graph, graph.arguments(value));
    case Kind::frozen_set: return append_frozen_set(out, graph, graph.arguments(value));
    case Kind::global: append_all(out, graph, graph.arguments(value)); return append_op(out, Op::stack_global);
    case Kind::persistent: append_all(out, graph, graph.arguments(value)); return append_op(out, Op::binpersid);
    case Kind::call: append_all(out, graph, graph.arguments(value)); return append_op(out, Op::reduce);
    case Kind::object:
      append_all(out, graph, graph.arguments(value));
      append_op(out, Op::newobj);
      for (const Part& part : graph.parts(value)) append_state(out, graph, part.values[0]);
      return;
    default: return;  // no value object
  }
}

std::string order_key(const Graph& graph, Value value) { return Outline(graph).of(value, outline_depth); }

}  // namespace pod::document
