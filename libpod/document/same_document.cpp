// Both documents are walked in step, as the digest walks one: an object of the one stands for one of the other, from
// where they are met first.

#include "document/same_document.hpp"

#include "document/inline_pickle.hpp"
#include "document/values.hpp"
#include "document/walk.hpp"

#include <deque>
#include <string>
#include <vector>

namespace pod::document {
namespace {

class Comparison {
 public:
  Comparison(const Graph& one, const Graph& other)
      : one_{one, std::vector<std::uint32_t>(one.node_count()), {}, {}},
        other_{other, std::vector<std::uint32_t>(other.node_count()), {}, {}} {}

  bool run() {
    if (!same_effects() || !same(one_.graph.root(), other_.graph.root())) return false;
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.next < frame.one.size()) {
        const std::size_t at = frame.next++;
        if (!same(frame.one[at], frame.other[at])) return false;
      } else if (!next_group(frame)) {
        return false;
      }
    }
    return true;
  }

 private:
  struct Side {
    const Graph& graph;
    std::vector<std::uint32_t> numbers;  // of the objects that were met; 0: not yet
    std::deque<std::vector<Value>> storage;
    std::string text;
  };
  struct Frame {
    std::span<const Value> one;
    std::span<const Value> other;
    std::size_t next = 0;
    PartGroups groups_of_one;
    PartGroups groups_of_other;
  };

  bool same_effects() const {
    const auto one = one_.graph.loose_effects();
    const auto other = other_.graph.loose_effects();
    if (one.size() != other.size()) return false;
    for (std::size_t at = 0; at < one.size(); ++at)
      if (one[at].kind() != other[at].kind()) return false;
    return true;
  }

  bool same(Value a, Value b) {
    if (a.kind() != b.kind()) return false;
    if (!a.is_node()) return same_atom(a, b);
    const bool is_value = is_value_object(one_.graph, a);
    if (is_value != is_value_object(other_.graph, b)) return false;
    if (is_value) return same_inline(a, b);
    std::uint32_t& number = one_.numbers[a.node()];
    if (number != other_.numbers[b.node()]) return false;
    if (number != 0) return true;
    number = other_.numbers[b.node()] = ++count_;
    auto of_one = one_.graph.arguments(a);
    auto of_other = other_.graph.arguments(b);
    if (of_one.size() != of_other.size()) return false;
    if (a.kind() == Kind::frozen_set) sort(of_one, of_other);
    frames_.push_back(
        {of_one, of_other, 0, PartGroups(one_.graph, a, one_.storage), PartGroups(other_.graph, b, other_.storage)});
    return true;
  }

  bool same_atom(Value a, Value b) {
    switch (a.kind()) {
      case Kind::none: return true;
      case Kind::boolean: return one_.graph.boolean(a) == other_.graph.boolean(b);
      case Kind::integer: return one_.graph.integer(a) == other_.graph.integer(b);
      case Kind::real: return one_.graph.real_bits(a) == other_.graph.real_bits(b);
      default: return one_.graph.bytes(a) == other_.graph.bytes(b);
    }
  }

  bool same_inline(Value a, Value b) {
    one_.text.clear();
    other_.text.clear();
    append_inline(one_.text, one_.graph, a);
    append_inline(other_.text, other_.graph, b);
    return one_.text == other_.text;
  }

  bool next_group(Frame& frame) {
    PartGroup one{};
    PartGroup other{};
    const bool more = frame.groups_of_one.next(one);
    if (more != frame.groups_of_other.next(other)) return false;
    if (!more) {
      frames_.pop_back();
      return true;
    }
    if (one.act != other.act || one.values.size() != other.values.size()) return false;
    if (one.act == Part::Act::add) sort(one.values, other.values);
    frame.one = one.values;
    frame.other = other.values;
    frame.next = 0;
    return true;
  }

  void sort(std::span<const Value>& of_one, std::span<const Value>& of_other) {
    of_one = in_order(one_.graph, of_one, 1, one_.storage);
    of_other = in_order(other_.graph, of_other, 1, other_.storage);
  }

  Side one_;
  Side other_;
  std::uint32_t count_ = 0;
  std::vector<Frame> frames_;
};

}  // namespace

bool same_document(const Graph& one, const Graph& other) { return Comparison(one, other).run(); }

}  // namespace pod::document
