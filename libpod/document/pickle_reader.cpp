// The pickle machine: the same stack, marks and memo as Python's, with nodes in the place of objects.
//
// Nothing is looked up, called or made: a REDUCE becomes a `call` node. What CPython does and a checker must do alike:
// MEMOIZE writes the slot whose number is the count of slots in use, a mark is a floor that no opcode reaches below,
// globals of protocol 2 and below are renamed.

#include "document/graph_builder.hpp"
#include "document/opcodes.hpp"
#include "document/pickle.hpp"
#include "document/pickle_text.hpp"
#include "document/python2_names.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace pod::document {
namespace {

constexpr std::uint64_t long_limit = 64 * 1024;  // bytes of one LONG4
constexpr int highest_protocol = 5;

/// Slots by number: dense ones in an array, far ones in a map, so that one large number costs nothing.
class Memo {
 public:
  std::size_t size() const noexcept { return used_; }
  void put(std::uint64_t slot, Value value) {
    if (slot >= slots_.size()) {
      if (slot > used_ + 64) {
        if (far_.insert_or_assign(slot, value).second) ++used_;
        return;
      }
      while (slots_.size() <= slot) slots_.push_back(nothing);
      move_far_slots();
    }
    Value& place = slots_[static_cast<std::size_t>(slot)];
    if (place == nothing) ++used_;
    place = value;
  }
  const Value* get(std::uint64_t slot) const {
    if (slot < slots_.size()) {
      const Value& place = slots_[static_cast<std::size_t>(slot)];
      return place == nothing ? nullptr : &place;
    }
    const auto found = far_.find(slot);
    return found == far_.end() ? nullptr : &found->second;
  }

 private:
  static constexpr Value nothing = Value::no_value();
  void move_far_slots() {
    if (far_.empty()) return;
    for (auto entry = far_.begin(); entry != far_.end();) {
      if (entry->first >= slots_.size()) {
        ++entry;
        continue;
      }
      slots_[static_cast<std::size_t>(entry->first)] = entry->second;
      entry = far_.erase(entry);
    }
  }
  Growing<Value> slots_;
  std::unordered_map<std::uint64_t, Value> far_;
  std::size_t used_ = 0;
};

struct NameHash {
  std::size_t operator()(const PythonName& name) const noexcept {
    return std::hash<std::string_view>()(name.module) * 31 + std::hash<std::string_view>()(name.name);
  }
};

class PickleReader {
 public:
  PickleReader(std::string file, std::string_view what, const Limits& limits)
      : builder_(std::move(file), what, limits), bytes_(builder_.file()) {}

  Graph read() && {
    while (step()) continue;
    const Value root = pop();
    hold(root);
    if (!marks_.empty()) fail("a mark is left open");
    while (!stack_.empty()) drop(pop());
    forget_copies();
    return std::move(builder_).finish(root, protocol_used_, at_);
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    std::string where = "at byte " + std::to_string(op_at_);
    if (op_at_ < bytes_.size()) {
      const OpcodeRow& row = opcode_table()[static_cast<unsigned char>(bytes_[op_at_])];
      if (!row.name.empty()) where += " (" + std::string(row.name) + ")";
    }
    throw Error(ErrorCode::corrupt,
                printable(builder_.what()) + " is no sound pickle: " + where + ": " + std::string(why));
  }

  // The file.
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("the file ends here");
    const std::string_view piece = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return piece;
  }
  template <typename Number>
  Number number() {
    const std::string_view piece = take(sizeof(Number));
    Number value = 0;
    std::memcpy(&value, piece.data(), sizeof value);  // little-endian, as every machine that this is built for
    return value;
  }
  std::string_view line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("a line has no end");
    const std::string_view piece = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return piece;
  }

  // The stack. Nothing below the innermost mark can be reached.
  void push(Value value) { stack_.push_back(value); }
  void need(std::size_t count) const {
    if (stack_.size() - floor_ < count) fail("the stack holds too little");
  }
  Value pop() {
    need(1);
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }
  Value top() const {
    need(1);
    return stack_.back();
  }
  /// What stands above the innermost mark; close_mark() takes it away.
  std::span<const Value> above_mark() const {
    if (marks_.empty()) fail("there is no mark");
    return std::span(stack_).subspan(floor_);
  }
  void close_mark() {
    stack_.resize(floor_);
    marks_.pop_back();
    floor_ = marks_.empty() ? 0 : marks_.back();
  }
  void open_mark() {
    if (marks_.size() >= builder_.limits().depth)
      throw Error(ErrorCode::refused,
                  printable(builder_.what()) + " nests deeper than " + std::to_string(builder_.limits().depth));
    marks_.push_back(stack_.size());
    floor_ = stack_.size();
  }

  // The memo.
  void put(std::uint64_t slot) {
    if (memo_.size() >= builder_.limits().memo)
      throw Error(ErrorCode::refused, printable(builder_.what()) + " remembers more than " +
                                          std::to_string(builder_.limits().memo) + " objects");
    memo_.put(slot, top());
  }
  void get(std::uint64_t slot) {
    const Value* value = memo_.get(slot);
    if (value == nullptr) fail("memo slot " + std::to_string(slot) + " is empty");
    push(*value);
  }
  std::uint64_t slot_of(std::string_view text) const {
    const auto value = parse_decimal(text);
    const auto* slot = value ? std::get_if<std::int64_t>(&*value) : nullptr;
    if (slot == nullptr || *slot < 0) fail("no slot number");
    return static_cast<std::uint64_t>(*slot);
  }

  // Atoms.
  void push_piece(Kind kind, std::uint64_t length) {
    const std::string_view piece = take(length);
    if (kind == Kind::text && !is_python_text(piece)) fail("a text is not UTF-8");
    push(builder_.in_file(kind, at_ - length, length));
  }
  void push_whole(const WholeNumber& number) {
    if (const auto* small = std::get_if<std::int64_t>(&number))
      push(builder_.integer(*small));
    else
      push(builder_.copied(Kind::big_integer, std::get<std::string>(number)));
  }
  void push_long(std::uint64_t length) {
    if (length > long_limit)
      throw Error(ErrorCode::refused,
                  printable(builder_.what()) + " has a number of more than " + std::to_string(long_limit) + " bytes");
    push_whole(whole_number(take(length)));
  }
  void push_decimal(std::string_view text) {
    const auto value = parse_decimal(text);
    if (!value) fail("no whole number");
    push_whole(*value);
  }
  void push_real() {
    std::uint64_t bits = number<std::uint64_t>();
    bits = __builtin_bswap64(bits);
    push(builder_.real(bits));
  }

  // Nodes.
  Value add(Kind kind, std::span<const Value> arguments) {
    for (const Value value : arguments) hold(value);
    return builder_.add_node(kind, arguments, op_at_);
  }
  void add_part(Value node, Part::Act act, std::span<const Value> values) {
    for (const Value value : values) hold(value);
    builder_.add_part(node, act, values);
  }
  /// The document has this value somewhere.
  void hold(Value value) {
    if (value.kind() == Kind::call) mark_call(held_calls_, value);
  }
  /// False where it was marked before.
  static bool mark_call(std::vector<bool>& marks, Value call) {
    if (marks.size() <= call.node()) marks.resize(call.node() + 1);
    if (marks[call.node()]) return false;
    return marks[call.node()] = true;
  }
  static bool is_marked(const std::vector<bool>& marks, Value call) {
    return call.node() < marks.size() && marks[call.node()];
  }
  void push_node(Kind kind, std::initializer_list<Value> arguments) {
    push(add(kind, std::span(arguments.begin(), arguments.size())));
  }
  void tuple_of(std::size_t count) {
    need(count);
    const Value made = add(Kind::tuple, std::span(stack_).last(count));
    stack_.resize(stack_.size() - count);
    push(made);
  }
  void close_into(Kind kind) {
    const Value made = add(kind, above_mark());
    close_mark();
    push(made);
  }
  void close_into(Kind kind, Part::Act act) {
    const std::span<const Value> values = above_mark();
    if (act == Part::Act::items && values.size() % 2 != 0) fail("a key has no value");
    const Value made = add(kind, {});
    if (!values.empty()) add_part(made, act, values);
    close_mark();
    push(made);
  }
  /// A class or function by name: the same node each time, as it is the same object in Python.
  Value global(PythonName name, Value module, Value attribute) {
    if (protocol_ < 3) {
      const PythonName renamed = python3_name(name);
      if (renamed.module != name.module) module = builder_.copied(Kind::text, renamed.module);
      if (renamed.name != name.name) attribute = builder_.copied(Kind::text, renamed.name);
      name = renamed;
    }
    const auto found = globals_.find(name);
    if (found != globals_.end()) return found->second;
    const Value arguments[] = {module, attribute};
    const Value made = add(Kind::global, arguments);
    // Both views live as long as the file or this program.
    globals_.emplace(name, made);
    return made;
  }
  Value global_of_lines() {
    const std::uint64_t module_at = at_;
    const std::string_view module = line();
    const std::uint64_t name_at = at_;
    const std::string_view name = line();
    if (!is_python_text(module) || !is_python_text(name)) fail("a name is not UTF-8");
    return global({module, name}, builder_.in_file(Kind::text, module_at, module.size()),
                  builder_.in_file(Kind::text, name_at, name.size()));
  }
  void stack_global() {
    const Value name = pop();
    const Value module = pop();
    if (name.kind() != Kind::text || module.kind() != Kind::text) fail("a name that is no text");
    // Views into `extra_` would not stay; only escaped texts stand there.
    const std::string_view module_text = stable(module);
    const std::string_view name_text = stable(name);
    push(global({module_text, name_text}, module, name));
  }
  std::string_view stable(Value text) {
    const std::string_view view = builder_.graph().bytes(text);
    if (view.empty() || (view.data() >= bytes_.data() && view.data() < bytes_.data() + bytes_.size())) return view;
    return **owned_.insert(owned_.end(), std::make_unique<std::string>(view));
  }
  void call(Kind kind) {
    const Value arguments = pop();
    const Value callable = pop();
    if (!arguments.is_node()) fail("arguments that are no tuple");
    push_node(kind, {callable, arguments});
  }

  // Changes.
  void change(Part::Act act, std::span<const Value> values, Value target) {
    switch (target.kind()) {
      case Kind::list:
      case Kind::dict:
      case Kind::set:
      case Kind::global:
      case Kind::persistent:
      case Kind::call:
      case Kind::object:
      case Kind::object_kw:
      case Kind::instance:
      case Kind::extension: break;
      default: fail("it changes what cannot be changed");
    }
    if (!values.empty()) add_part(target, act, values);
  }
  void change_by_marked(Part::Act act) {
    const std::span<const Value> values = above_mark();
    if (act == Part::Act::items && values.size() % 2 != 0) fail("a key has no value");
    // The target stands right below the mark, above the mark before.
    const std::size_t mark = floor_;
    const std::size_t below = marks_.size() > 1 ? marks_[marks_.size() - 2] : 0;
    if (mark <= below) fail("the stack holds too little");
    change(act, values, stack_[mark - 1]);
    close_mark();
  }
  void change_by_top(Part::Act act, std::size_t count) {
    need(count + 1);
    change(act, std::span(stack_).last(count), stack_[stack_.size() - count - 1]);
    stack_.resize(stack_.size() - count);
  }

  /// A value that nobody took. A call may have been made for what it does: then it belongs to the object that it was
  /// given first. It was made once, however often it is dropped.
  void drop(Value value) {
    if (value.kind() != Kind::call || !mark_call(dropped_calls_, value)) return;
    const Graph& graph = builder_.graph();
    const Value arguments = graph.arguments(value)[1];
    if (arguments.kind() == Kind::tuple && !graph.arguments(arguments).empty()) {
      const Value first = graph.arguments(arguments)[0];
      if (first.is_node()) {
        builder_.add_part(first, Part::Act::effect, std::span(&value, 1));
        changed_by_calls_.push_back(first);
        return;
      }
    }
    builder_.add_loose_effect(value);
  }
  /// What was dropped and is somewhere in the document all the same was not made for what it does.
  void forget_copies() {
    const auto held = [this](Value call) { return is_marked(held_calls_, call); };
    std::sort(changed_by_calls_.begin(), changed_by_calls_.end(), [](Value a, Value b) { return a.node() < b.node(); });
    const auto end = std::unique(changed_by_calls_.begin(), changed_by_calls_.end(),
                                 [](Value a, Value b) { return a.node() == b.node(); });
    for (auto node = changed_by_calls_.begin(); node != end; ++node) builder_.remove_effects(*node, held);
    builder_.remove_loose_effects(held);
  }
  void pop_op() {
    if (stack_.size() == floor_ && !marks_.empty()) {
      close_mark();  // as Python does: the mark itself
      return;
    }
    drop(pop());
  }
  void pop_mark_op() {
    const std::span<const Value> values = above_mark();
    const std::vector<Value> dropped(values.rbegin(), values.rend());
    close_mark();
    for (const Value value : dropped) drop(value);
  }

  void proto() {
    const unsigned version = number<std::uint8_t>();
    if (version > highest_protocol) fail("protocol " + std::to_string(version) + " is not known");
    protocol_ = static_cast<int>(version);
    protocol_used_ = std::max(protocol_used_, protocol_);
  }
  void extension(std::int64_t code) {
    if (code <= 0) fail("an extension code below 1");
    push_node(Kind::extension, {builder_.integer(code)});
  }

  /// False after STOP.
  bool step();

  GraphBuilder builder_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t op_at_ = 0;
  std::vector<Value> stack_;
  std::vector<bool> held_calls_;  // by node
  std::vector<bool> dropped_calls_;
  std::vector<Value> changed_by_calls_;
  std::vector<std::size_t> marks_;
  std::size_t floor_ = 0;
  Memo memo_;
  std::unordered_map<PythonName, Value, NameHash> globals_;
  std::vector<std::unique_ptr<std::string>> owned_;
  int protocol_ = 0;
  int protocol_used_ = 0;
};

bool PickleReader::step() {
  op_at_ = at_;
  const auto byte = number<std::uint8_t>();
  builder_.spend();
  switch (static_cast<Op>(byte)) {
    case Op::memoize: put(memo_.size()); return true;
    case Op::binget: get(number<std::uint8_t>()); return true;
    case Op::long_binget: get(number<std::uint32_t>()); return true;
    case Op::binput: put(number<std::uint8_t>()); return true;
    case Op::long_binput: put(number<std::uint32_t>()); return true;
    case Op::get: get(slot_of(line())); return true;
    case Op::put: put(slot_of(line())); return true;

    case Op::short_binunicode: push_piece(Kind::text, number<std::uint8_t>()); return true;
    case Op::binunicode: push_piece(Kind::text, number<std::uint32_t>()); return true;
    case Op::binunicode8: push_piece(Kind::text, number<std::uint64_t>()); return true;
    case Op::short_binbytes: push_piece(Kind::bytes, number<std::uint8_t>()); return true;
    case Op::binbytes: push_piece(Kind::bytes, number<std::uint32_t>()); return true;
    case Op::binbytes8: push_piece(Kind::bytes, number<std::uint64_t>()); return true;
    case Op::short_binstring: push_piece(Kind::byte_text, number<std::uint8_t>()); return true;
    case Op::binstring: {
      const auto length = number<std::int32_t>();
      if (length < 0) fail("a length below 0");
      push_piece(Kind::byte_text, static_cast<std::uint64_t>(length));
      return true;
    }
    case Op::bytearray8: {
      const std::string_view piece = take(number<std::uint64_t>());
      push(builder_.add_byte_array(piece, op_at_));
      return true;
    }

    case Op::none: push(builder_.none()); return true;
    case Op::newtrue: push(builder_.boolean(true)); return true;
    case Op::newfalse: push(builder_.boolean(false)); return true;
    case Op::binint1: push(builder_.integer(number<std::uint8_t>())); return true;
    case Op::binint2: push(builder_.integer(number<std::uint16_t>())); return true;
    case Op::binint: push(builder_.integer(number<std::int32_t>())); return true;
    case Op::binfloat: push_real(); return true;
    case Op::long1: push_long(number<std::uint8_t>()); return true;
    case Op::long4: {
      const auto length = number<std::int32_t>();
      if (length < 0) fail("a length below 0");
      push_long(static_cast<std::uint64_t>(length));
      return true;
    }

    case Op::empty_tuple: push_node(Kind::tuple, {}); return true;
    case Op::tuple1: tuple_of(1); return true;
    case Op::tuple2: tuple_of(2); return true;
    case Op::tuple3: tuple_of(3); return true;
    case Op::tuple: close_into(Kind::tuple); return true;
    case Op::frozenset: close_into(Kind::frozen_set); return true;
    case Op::empty_list: push_node(Kind::list, {}); return true;
    case Op::empty_dict: push_node(Kind::dict, {}); return true;
    case Op::empty_set: push_node(Kind::set, {}); return true;
    case Op::list: close_into(Kind::list, Part::Act::append); return true;
    case Op::dict: close_into(Kind::dict, Part::Act::items); return true;

    case Op::mark: open_mark(); return true;
    case Op::append: change_by_top(Part::Act::append, 1); return true;
    case Op::appends: change_by_marked(Part::Act::append); return true;
    case Op::setitem: change_by_top(Part::Act::items, 2); return true;
    case Op::setitems: change_by_marked(Part::Act::items); return true;
    case Op::additems: change_by_marked(Part::Act::add); return true;
    case Op::build: change_by_top(Part::Act::state, 1); return true;

    case Op::global: push(global_of_lines()); return true;
    case Op::stack_global: stack_global(); return true;
    case Op::reduce: call(Kind::call); return true;
    case Op::newobj: call(Kind::object); return true;
    case Op::newobj_ex: {
      const Value keywords = pop();
      const Value arguments = pop();
      const Value type = pop();
      if (!arguments.is_node() || !keywords.is_node()) fail("arguments that are no tuple and dict");
      push_node(Kind::object_kw, {type, arguments, keywords});
      return true;
    }
    case Op::obj:
      if (above_mark().empty()) fail("there is no class");
      close_into(Kind::instance);
      return true;
    case Op::inst: {
      std::vector<Value> arguments{global_of_lines()};
      const std::span<const Value> values = above_mark();
      arguments.insert(arguments.end(), values.begin(), values.end());
      close_mark();
      push(add(Kind::instance, arguments));
      return true;
    }
    case Op::binpersid: push_node(Kind::persistent, {pop()}); return true;
    case Op::persid: {
      const std::uint64_t start = at_;
      const std::string_view id = line();
      if (std::any_of(id.begin(), id.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        fail("a persistent id is not ASCII");
      push_node(Kind::persistent, {builder_.in_file(Kind::text, start, id.size())});
      return true;
    }
    case Op::ext1: extension(number<std::uint8_t>()); return true;
    case Op::ext2: extension(number<std::uint16_t>()); return true;
    case Op::ext4: extension(number<std::int32_t>()); return true;
    case Op::next_buffer: push_node(Kind::buffer, {}); return true;
    case Op::readonly_buffer: push_node(Kind::readonly_buffer, {pop()}); return true;

    case Op::dup: push(top()); return true;
    case Op::pop: pop_op(); return true;
    case Op::pop_mark: pop_mark_op(); return true;

    case Op::int_text: {
      const std::string_view text = line();
      if (text == "00" || text == "01")
        push(builder_.boolean(text == "01"));
      else
        push_decimal(text);
      return true;
    }
    case Op::long_text: {
      std::string_view text = line();
      if (text.ends_with('L')) text.remove_suffix(1);
      push_decimal(text);
      return true;
    }
    case Op::float_text: {
      const auto bits = parse_float(line());
      if (!bits) fail("no number");
      push(builder_.real(*bits));
      return true;
    }
    case Op::string_text: {
      const auto text = unquote_string(line());
      if (!text) fail("a text is not quoted as it should be");
      push(builder_.copied(Kind::byte_text, *text));
      return true;
    }
    case Op::unicode_text: {
      const auto text = decode_raw_unicode(line());
      if (!text) fail("a text has a bad escape");
      push(builder_.copied(Kind::text, *text));
      return true;
    }

    case Op::proto: proto(); return true;
    case Op::frame: {
      const auto length = number<std::uint64_t>();
      if (length > bytes_.size() - at_) fail("a frame is longer than the file");
      protocol_used_ = std::max(protocol_used_, 4);
      return true;
    }
    case Op::stop: return false;
  }
  fail("there is no such opcode");
}

}  // namespace

Graph read_pickle(std::string file, std::string_view what, const Limits& limits) {
  return PickleReader(std::move(file), what, limits).read();
}

bool looks_like_pickle(std::string_view head) noexcept {
  if (head.size() < 2) return false;
  const auto first = static_cast<unsigned char>(head[0]);
  const auto second = static_cast<unsigned char>(head[1]);
  if (first == static_cast<unsigned char>(Op::proto)) return second <= highest_protocol;
  // Protocols 0 and 1 begin with what they hold. A mark or an empty container, then an opcode that no JSON has there.
  static constexpr std::string_view openers = "(]})";
  static constexpr std::string_view followers = "(.lditpqr";
  if (openers.find(head[0]) != std::string_view::npos) return followers.find(head[1]) != std::string_view::npos;
  // "cmodule\nname\n"
  if (head[0] == 'c') {
    const auto end = head.find('\n');
    const auto is_name = [](char c) {
      return c == '_' || c == '.' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    };
    return end != std::string_view::npos && end > 1 &&
           std::all_of(head.begin() + 1, head.begin() + static_cast<std::ptrdiff_t>(end), is_name) &&
           head.find('\n', end + 1) != std::string_view::npos;
  }
  return false;
}

}  // namespace pod::document
