// The canonical writing. The same walk is made twice: the first counts how often each object is asked for again, the
// second writes. So a memo slot is known to be free after its last use, and what is never asked for again needs none.
//
// A tuple, or the arguments of a call, may lead back to itself through a list. As in CPython the inner one is then made
// first; the outer one finds that it is there, drops its own pieces and takes that.

#include "document/inline_pickle.hpp"
#include "document/opcodes.hpp"
#include "document/pickle.hpp"
#include "document/values.hpp"
#include "document/walk.hpp"

#include <libpod/error.hpp>

#include <functional>
#include <queue>
#include <unordered_map>

namespace pod::document {
namespace {

constexpr std::uint32_t no_slot = 0xffffffff;

[[noreturn]] void cannot(std::string_view why) {
  throw Error(ErrorCode::unsupported, "the document cannot be written as a pickle").because(std::string(why));
}

/// What the walk knows of an object that can be asked for again: a node, or a long text by its content.
struct Item {
  bool made = false;
  std::uint32_t uses = 0;  // GETs: counted by the first walk, left in the second
  std::uint32_t slot = no_slot;
};

class PickleWriter {
 public:
  explicit PickleWriter(const Graph& graph) : graph_(graph), items_(graph.node_count()) {
    steps_left_ = 16 * (graph.file().size() + graph.node_count()) + 1'000'000;
    longest_ = 32 * graph.file().size() + 1'000'000;
  }

  std::string write() {
    if (!graph_.loose_effects().empty()) cannot("a call was made only for what it does");
    run();
    check_left_out();
    for (Item& item : items_) item.made = false;
    for (auto& [text, item] : texts_) item.made = false;
    writing_ = true;
    op(Op::proto);
    out_ += has_byte_array_ ? '\5' : '\4';
    run();
    op(Op::stop);
    return std::move(out_);
  }

 private:
  enum class End : std::uint8_t {
    root,
    tuple,
    frozen_set,
    call,
    object,
    object_kw,
    instance,
    persistent,  // of arguments
    append,
    appends,
    add,
    setitem,
    setitems,
    build,
    effect,  // of a part
    parts,   // of all parts of a node
  };
  struct Frame {
    End end;
    Value node;
    std::span<const Value> values;
    std::size_t next = 0;
    PartGroups groups;
  };

  void run() {
    storage_.clear();
    const Value root[] = {graph_.root()};
    enter(End::root, graph_.root(), root);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.end == End::parts) {
        next_part(frame);
      } else if (frame.next < frame.values.size()) {
        visit(frame.values[frame.next++]);
      } else {
        const Frame done = frame;
        frames_.pop_back();
        finish(done);
      }
    }
  }

  void enter(End end, Value node, std::span<const Value> values) { frames_.push_back({end, node, values, 0, {}}); }
  void enter_parts(Value node) {
    if (!graph_.parts(node).empty()) frames_.push_back({End::parts, node, {}, 0, PartGroups(graph_, node, storage_)});
  }

  void visit(Value value) {
    if (steps_left_-- == 0) cannot("its objects refer to each other in too many ways");
    if (out_.size() > longest_) cannot("what it repeats would make it more than 32 times as long");
    if (!value.is_node()) return visit_atom(value);
    if (is_value_object(graph_, value)) {
      items_[value.node()].made = true;
      if (writing_) append_inline(out_, graph_, value);
      return;
    }
    Item& item = items_[value.node()];
    if (item.made) return get(item);
    make(value, item);
  }

  void visit_atom(Value value) {
    const bool counted = value.kind() == Kind::text || value.kind() == Kind::bytes;
    if (!counted || graph_.bytes(value).size() < long_text) {
      if (writing_) append_inline(out_, graph_, value);
      return;
    }
    Item& item = long_item(value);
    if (item.made) return get(item);
    if (writing_) append_inline(out_, graph_, value);
    put(item);
  }

  /// Equal texts are one item; each place in the file is looked at once, however often it is referred to.
  Item& long_item(Value value) {
    const std::string_view text = graph_.bytes(value);
    Item*& known = places_[text.data()];
    if (known == nullptr) known = &texts_[{value.kind(), text}];
    return *known;
  }

  void make(Value value, Item& item) {
    const auto arguments = graph_.arguments(value);
    switch (value.kind()) {
      case Kind::tuple:
        if (arguments.size() > 3) op(Op::mark);
        return enter(End::tuple, value, arguments);
      case Kind::frozen_set:
        op(Op::mark);
        return enter(End::frozen_set, value, in_order(graph_, arguments, 1, storage_));
      case Kind::list: return make_empty(Op::empty_list, value, item);
      case Kind::dict: return make_empty(Op::empty_dict, value, item);
      case Kind::set: return make_empty(Op::empty_set, value, item);
      case Kind::byte_array:
        has_byte_array_ = true;
        op(Op::bytearray8);
        if (writing_) {
          append_number(out_, graph_.bytes(value).size(), 8);
          out_ += graph_.bytes(value);
        }
        return put(item);
      case Kind::global:
        if (writing_) {
          append_inline(out_, graph_, arguments[0]);
          append_inline(out_, graph_, arguments[1]);
        }
        op(Op::stack_global);
        put(item);
        return enter_parts(value);
      case Kind::persistent: return enter(End::persistent, value, arguments);
      case Kind::call: return enter(End::call, value, arguments);
      case Kind::object: return enter(End::object, value, arguments);
      case Kind::object_kw: return enter(End::object_kw, value, arguments);
      case Kind::instance: op(Op::mark); return enter(End::instance, value, arguments);
      case Kind::extension: cannot("it names a class by a number of a registry");
      default: cannot("it has data outside of the file");
    }
  }

  void make_empty(Op empty, Value value, Item& item) {
    op(empty);
    put(item);
    enter_parts(value);
  }

  void finish(const Frame& frame) {
    static constexpr Op tuples[] = {Op::empty_tuple, Op::tuple1, Op::tuple2, Op::tuple3};
    switch (frame.end) {
      case End::root: return;
      case End::tuple: {
        const std::size_t count = frame.values.size();
        return close(frame, count > 3 ? Op::tuple : tuples[count], count > 3);
      }
      case End::frozen_set: return close(frame, Op::frozenset, true);
      case End::call: return close(frame, Op::reduce, false);
      case End::object: return close(frame, Op::newobj, false);
      case End::object_kw: return close(frame, Op::newobj_ex, false);
      case End::instance: return close(frame, Op::obj, true);
      case End::persistent: return close(frame, Op::binpersid, false);
      case End::append: return op(Op::append);
      case End::appends: return op(Op::appends);
      case End::add: return op(Op::additems);
      case End::setitem: return op(Op::setitem);
      case End::setitems: return op(Op::setitems);
      case End::build: return op(Op::build);
      case End::effect: return op(Op::pop);
      case End::parts: return;
    }
  }

  /// The arguments of a node stand on the stack: makes it, unless it was made among them.
  void close(const Frame& frame, Op made, bool marked) {
    Item& item = items_[frame.node.node()];
    if (item.made) {
      if (marked)
        op(Op::pop_mark);
      else
        for (std::size_t i = 0; i < frame.values.size(); ++i) op(Op::pop);
      return get(item);
    }
    op(made);
    put(item);
    enter_parts(frame.node);
  }

  void next_part(Frame& frame) {
    PartGroup group{};
    if (!frame.groups.next(group)) {
      frames_.pop_back();
      return;
    }
    const Value node = frame.node;
    switch (group.act) {
      case Part::Act::append:
        if (group.values.size() > 1) op(Op::mark);
        return enter(group.values.size() > 1 ? End::appends : End::append, node, group.values);
      case Part::Act::items:
        if (group.values.size() > 2) op(Op::mark);
        return enter(group.values.size() > 2 ? End::setitems : End::setitem, node, group.values);
      case Part::Act::add: op(Op::mark); return enter(End::add, node, in_order(graph_, group.values, 1, storage_));
      case Part::Act::state: return enter(End::build, node, group.values);
      case Part::Act::effect: return enter(End::effect, node, group.values);
    }
  }

  void op(Op code) {
    if (writing_) out_ += static_cast<char>(code);
  }

  void put(Item& item) {
    item.made = true;
    if (!writing_ || item.uses == 0) return;
    if (free_.empty()) {
      item.slot = slots_++;
    } else {
      item.slot = free_.top();
      free_.pop();
    }
    slot_op(item.slot, Op::binput, Op::long_binput);
  }

  void get(Item& item) {
    if (!writing_) {
      ++item.uses;
      return;
    }
    slot_op(item.slot, Op::binget, Op::long_binget);
    if (--item.uses == 0) free_.push(item.slot);
  }

  void slot_op(std::uint32_t slot, Op small, Op large) {
    op(slot < 256 ? small : large);
    append_number(out_, slot, slot < 256 ? 1 : 4);
  }

  /// What was done to, or made beside, objects that the root does not lead to would be lost.
  void check_left_out() const {
    for (NodeId id = 0; id < items_.size(); ++id) {
      if (items_[id].made) continue;
      const Value node = graph_.node(id);
      const bool makes = node.kind() == Kind::call || node.kind() == Kind::object || node.kind() == Kind::object_kw ||
                         node.kind() == Kind::instance;
      if (makes && !inside_value(id)) cannot("an object was made that nothing refers to");
      for (const Part& part : graph_.parts(node))
        if (part.act == Part::Act::effect) cannot("something is done to an object that nothing refers to");
    }
  }
  /// Value objects are written whole: what they consist of is not visited.
  bool inside_value(NodeId id) const { return is_value_object(graph_, graph_.node(id)); }

  struct TextHash {
    std::size_t operator()(const std::pair<Kind, std::string_view>& text) const noexcept {
      return std::hash<std::string_view>()(text.second) * 2 + (text.first == Kind::text ? 1 : 0);
    }
  };

  const Graph& graph_;
  std::vector<Item> items_;
  std::unordered_map<std::pair<Kind, std::string_view>, Item, TextHash> texts_;
  std::unordered_map<const char*, Item*> places_;
  std::vector<Frame> frames_;
  std::deque<std::vector<Value>> storage_;
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> free_;
  std::uint32_t slots_ = 0;
  std::uint64_t steps_left_ = 0;
  std::uint64_t longest_ = 0;
  bool writing_ = false;
  bool has_byte_array_ = false;
  std::string out_;
};

}  // namespace

std::string write_pickle(const Graph& graph) { return PickleWriter(graph).write(); }

}  // namespace pod::document
