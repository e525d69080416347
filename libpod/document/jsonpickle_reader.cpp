// jsonpickle, read as its Unpickler (4.1) does with `keys=True`: which objects get a number, and in which order their
// members are read, decides what `py/id` means. What it would build by running code becomes the call or the object that
// a pickle would hold.
//
//   {"py/tuple": […]}, {"py/set": […]}                    tuple, set; no number
//   […], {…}                                              list, dict
//   {"py/b64": "…"}, {"py/b85": "…"}                      bytes; no number
//   {"py/type": "m.C"}, {"py/function": "m.f"}            global; no number
//   {"py/id": n}                                          the node with number n, from 0
//   {"py/object": "m.C", members…}                        object: the members are its state; with `__dict__` among
//                                                         them that is the state and they are items
//     "py/newargs", "py/newargsex", "py/initargs"         arguments
//     "py/seq", "py/state"                                elements; state
//   {"py/reduce": [f, args, state, elements, items]}      call; object where f is "py/newobj"
//   {"py/iterator": […]}                                  call of builtins.iter
//   {"json://…": v}                                       a dict's key that is no text, as JSON in JSON
#include "document/json_reader.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "document/python_values.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace pod::document {
namespace {

constexpr std::string_view json_key = "json://";
constexpr std::string_view new_object = "py/newobj";

enum class Tag : std::uint8_t { tuple, set, b64, b85, id, iterator, object, type, reduce, function, mod, repr, none };
/// In the order in which they are looked for.
constexpr std::string_view tag_names[] = {"py/tuple",  "py/set",  "py/b64",    "py/b85",      "py/id",  "py/iterator",
                                          "py/object", "py/type", "py/reduce", "py/function", "py/mod", "py/repr"};
constexpr std::string_view reserved[] = {"py/bytes",    "py/function", "py/id",        "py/initargs", "py/iterator",
                                         "py/mod",      "py/newargs",  "py/newargsex", "py/newobj",   "py/object",
                                         "py/property", "py/reduce",   "py/ref",       "py/repr",     "py/seq",
                                         "py/set",      "py/state",    "py/tuple",     "py/type"};

bool is_reserved(std::string_view name) {
  return name.starts_with("py/") && std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved);
}

/// What is read, and where: texts of keys that hold JSON are graphs of their own.
struct Place {
  const Graph* graph = nullptr;
  Value value;
};

class Reader {
 public:
  explicit Reader(GraphBuilder& builder) : builder_(builder) {}

  Value read(Place root) {
    push({.act = Act::restore, .place = root});
    while (!todo_.empty()) {
      const Task task = todo_.back();
      todo_.pop_back();
      run(task);
    }
    return take();
  }

 private:
  enum class Act : std::uint8_t {
    restore,  // a JSON value → one result
    tuple,    // the last `count` results → a tuple
    set,
    fill_list,  // … → elements of `node`, which stays as the result
    fill_dict,  // the last 2 × count
    make_object,
    fill_object,
    make_call,  // no result yet
    fill_call,
    make_date,  // the last `count` are its arguments, its class stands before them
    iterator,
  };
  struct Task {
    Act act = Act::restore;
    std::uint32_t count = 0;
    std::uint32_t number = 0;  // of the object
    std::uint32_t shape = 0;   // into shapes_
    Place place;
    Value node;
  };
  /// What a `py/object` is made of, settled before its members are read.
  struct Shape {
    Value class_global;
    std::uint32_t members = 0;  // pairs
    std::uint32_t elements = 0;
    bool has_factory = false;
    bool has_arguments = false;
    bool has_keywords = false;
    bool has_state = false;
    bool members_are_items = false;
    bool is_call = false;
    std::uint32_t dict_member = 0;  // which pair is `__dict__`; none: `members`
  };

  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(ErrorCode::corrupt, quote(builder_.what()) + " is not acceptable jsonpickle: " + reason);
  }

  void push(const Task& task) {
    builder_.spend();
    todo_.push_back(task);
  }
  Value take() {
    const Value value = results_.back();
    results_.pop_back();
    return value;
  }
  std::span<const Value> last(std::size_t count) const { return std::span(results_).last(count); }
  void drop(std::size_t count) { results_.resize(results_.size() - count); }

  /// Gives the next number to `node`; to none yet where it is made later.
  std::uint32_t count(std::optional<Value> node) {
    numbered_.push_back(node);
    return static_cast<std::uint32_t>(numbered_.size() - 1);
  }

  static std::optional<Value> member(const Place& place, std::string_view name) {
    for (const Part& part : place.graph->parts(place.value))
      for (std::size_t at = 0; at + 1 < part.values.size(); at += 2)
        if (place.graph->is_text(part.values[at], name)) return part.values[at + 1];
    return std::nullopt;
  }
  static std::span<const Value> contents(const Place& place) {
    for (const Part& part : place.graph->parts(place.value)) return part.values;  // JSON containers have one part
    return {};
  }
  std::span<const Value> elements_of(const Place& place, std::string_view tag) const {
    if (place.value.kind() != Kind::list) fail(quote(tag) + " is no list");
    return contents(place);
  }
  std::string_view text_of(const Place& place, std::string_view tag) const {
    if (place.value.kind() != Kind::text) fail(quote(tag) + " is no text");
    return place.graph->text(place.value);
  }

  void restore_each(const Graph* graph, std::span<const Value> values) {
    for (std::size_t at = values.size(); at-- > 0;) push({.act = Act::restore, .place = {graph, values[at]}});
  }

  Value atom(const Place& place) {
    const Graph& graph = *place.graph;
    switch (place.value.kind()) {
      case Kind::boolean: return builder_.boolean(graph.boolean(place.value));
      case Kind::integer: return builder_.integer(graph.integer(place.value));
      case Kind::real: return builder_.real(graph.real_bits(place.value));
      case Kind::text: return shared_text(graph.text(place.value));
      case Kind::big_integer: return builder_.copied(Kind::big_integer, graph.bytes(place.value));
      default: return builder_.none();
    }
  }
  Value shared_text(std::string_view text) { return builder_.copied(Kind::text, text); }

  Value global(std::string_view name) {
    const auto known = globals_.find(std::string(name));
    if (known != globals_.end()) return known->second;
    const auto [module, inside] = split_class_name(name);
    const Value texts[] = {shared_text(module), shared_text(inside)};
    return globals_.emplace(std::string(name), builder_.add_node(Kind::global, texts)).first->second;
  }

  void run(const Task& task) {
    switch (task.act) {
      case Act::restore: return restore(task.place);
      case Act::tuple: return collect(builder_.add_node(Kind::tuple, last(task.count)), task.count);
      case Act::set: {
        const Value node = builder_.add_node(Kind::set, {});
        if (task.count > 0) builder_.add_part(node, Part::Act::add, last(task.count));
        return collect(node, task.count);
      }
      case Act::fill_list:
        if (task.count > 0) builder_.add_part(task.node, Part::Act::append, last(task.count));
        return collect(task.node, task.count);
      case Act::fill_dict:
        if (task.count > 0) builder_.add_part(task.node, Part::Act::items, last(2ul * task.count));
        return collect(task.node, 2ul * task.count);
      case Act::make_object: return make_object(task);
      case Act::fill_object: return fill_object(task);
      case Act::make_call: return make_call(task);
      case Act::fill_call: return fill_call(task);
      case Act::make_date: {
        const Value arguments = builder_.add_node(Kind::tuple, last(task.count));
        drop(task.count);
        const Value call[] = {take(), arguments};
        numbered_[task.number] = builder_.add_node(Kind::call, call);
        results_.push_back(*numbered_[task.number]);
        return;
      }
      case Act::iterator: {
        const Value arguments[] = {take()};
        const Value call[] = {global("builtins.iter"), builder_.add_node(Kind::tuple, arguments)};
        results_.push_back(builder_.add_node(Kind::call, call));
        return;
      }
    }
  }
  void collect(Value node, std::size_t results) {
    drop(results);
    results_.push_back(node);
  }

  void restore(const Place& place) {
    if (place.value.kind() == Kind::list) {
      const Value node = builder_.add_node(Kind::list, {});
      count(node);
      const auto values = contents(place);
      push({.act = Act::fill_list, .count = static_cast<std::uint32_t>(values.size()), .node = node});
      return restore_each(place.graph, values);
    }
    if (place.value.kind() != Kind::dict) {
      results_.push_back(atom(place));
      return;
    }
    std::size_t tag = 0;
    std::optional<Value> given;
    if (has_tag(place))
      for (; tag < std::size(tag_names); ++tag)
        if ((given = member(place, tag_names[tag]))) break;
    if (!given) return restore_dict(place);
    const Place inner{place.graph, *given};
    switch (static_cast<Tag>(tag)) {
      case Tag::tuple:
      case Tag::set: {
        const auto values = elements_of(inner, tag_names[tag]);
        push({.act = static_cast<Tag>(tag) == Tag::tuple ? Act::tuple : Act::set,
              .count = static_cast<std::uint32_t>(values.size())});
        return restore_each(place.graph, values);
      }
      case Tag::b64:
      case Tag::b85: {
        const std::string_view text = text_of(inner, tag_names[tag]);
        const auto bytes = static_cast<Tag>(tag) == Tag::b64 ? from_base64(text) : from_base85(text);
        if (!bytes) fail(quote(tag_names[tag]) + " holds something else");
        results_.push_back(builder_.copied(Kind::bytes, *bytes));
        return;
      }
      case Tag::id: return restore_id(inner);
      case Tag::iterator: {
        const auto values = elements_of(inner, "py/iterator");
        const Value node = builder_.add_node(Kind::list, {});
        count(node);
        push({.act = Act::iterator});
        push({.act = Act::fill_list, .count = static_cast<std::uint32_t>(values.size()), .node = node});
        return restore_each(place.graph, values);
      }
      case Tag::object: return restore_object(place, text_of(inner, "py/object"));
      case Tag::type:
      case Tag::function: results_.push_back(global(text_of(inner, tag_names[tag]))); return;
      case Tag::reduce: return restore_reduce(inner);
      case Tag::mod:
      case Tag::repr: {
        // jsonpickle would import or evaluate it.
        const Value arguments[] = {shared_text(text_of(inner, tag_names[tag]))};
        const Value call[] = {global(static_cast<Tag>(tag) == Tag::mod ? "jsonpickle.unpickler._loadmodule"
                                                                       : "jsonpickle.unpickler.loadrepr"),
                              builder_.add_node(Kind::tuple, arguments)};
        const Value node = builder_.add_node(Kind::call, call);
        count(node);
        results_.push_back(node);
        return;
      }
      case Tag::none: return;
    }
  }

  static bool has_tag(const Place& place) {
    const auto values = contents(place);
    for (std::size_t at = 0; at < values.size(); at += 2)
      if (place.graph->text(values[at]).starts_with("py/")) return true;
    return false;
  }

  void restore_id(const Place& inner) {
    if (inner.value.kind() != Kind::integer) fail("a \"py/id\" that is no number");
    const std::int64_t number = inner.graph->integer(inner.value);
    if (number < 0 || static_cast<std::uint64_t>(number) >= numbered_.size() ||
        !numbered_[static_cast<std::size_t>(number)])
      fail("\"py/id\" " + std::to_string(number) + " names what is not there");
    results_.push_back(*numbered_[static_cast<std::size_t>(number)]);
  }

  /// Pushes what reads a key and a value.
  void restore_pair(const Graph* graph, Value key, Value value) {
    push({.act = Act::restore, .place = {graph, value}});
    if (const std::string_view text = graph->text(key); text.starts_with(json_key))
      if (const auto inside = parsed_key(text.substr(json_key.size()))) {
        push({.act = Act::restore, .place = *inside});
        return;
      }
    push({.act = Act::restore, .place = {graph, key}});
  }
  std::optional<Place> parsed_key(std::string_view text) {
    try {
      key_graphs_.push_back(std::make_unique<Graph>(read_json(std::string(text), builder_.what(), builder_.limits())));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
      return std::nullopt;
    }
    return Place{key_graphs_.back().get(), key_graphs_.back()->root()};
  }

  void restore_dict(const Place& place) {
    const Value node = builder_.add_node(Kind::dict, {});
    count(node);
    const auto values = contents(place);
    push({.act = Act::fill_dict, .count = static_cast<std::uint32_t>(values.size() / 2), .node = node});
    // Keys that are no texts come last: so their objects are numbered last.
    for (const bool fancy : {true, false})
      for (std::size_t at = values.size(); at >= 2; at -= 2)
        if (place.graph->text(values[at - 2]).starts_with(json_key) == fancy)
          restore_pair(place.graph, values[at - 2], values[at - 1]);
  }

  void restore_object(const Place& place, std::string_view class_name) {
    Shape shape{.class_global = global(class_name)};
    if (const auto value = add_known_object(builder_, *place.graph, place.value, class_name, shape.class_global)) {
      count(*value);
      results_.push_back(*value);
      return;
    }
    if (restore_date(place, class_name, shape.class_global)) return;
    const auto factory = member(place, "default_factory");
    const auto arguments_ex = member(place, "py/newargsex");
    auto arguments = member(place, "py/newargs");
    if (!arguments) arguments = member(place, "py/initargs");
    auto elements = member(place, "py/seq");
    const auto state = member(place, "py/state");
    const auto values = contents(place);
    shape.has_factory = factory.has_value();
    shape.has_arguments = arguments || arguments_ex;
    shape.has_keywords = arguments_ex.has_value();
    shape.has_state = state.has_value();
    std::vector<std::size_t> members;
    for (std::size_t at = 0; at + 1 < values.size(); at += 2) {
      const std::string_view name = place.graph->text(values[at]);
      if (is_reserved(name) || (factory && name == "default_factory")) continue;
      if (name == "__dict__") {
        shape.members_are_items = true;
        shape.dict_member = static_cast<std::uint32_t>(members.size());
      }
      members.push_back(at);
    }
    shape.members = static_cast<std::uint32_t>(members.size());
    // A named tuple is whole when it is made; jsonpickle does not look at its elements again.
    if (arguments && members.empty()) elements.reset();
    // Only dicts have default factories.
    if (factory && !shape.members_are_items) {
      shape.members_are_items = true;
      shape.dict_member = shape.members;
    }
    shape.is_call = factory && class_name == "collections.defaultdict";
    if (elements) shape.elements = static_cast<std::uint32_t>(elements_of({place.graph, *elements}, "py/seq").size());
    const bool early = !shape.has_arguments && !shape.has_factory;
    const std::uint32_t number = count(std::nullopt);
    const std::uint32_t shape_number = static_cast<std::uint32_t>(shapes_.size());
    shapes_.push_back(shape);

    // Last pushed, first run: factory, arguments, the object, members, elements, state, and then all that is put into
    // it.
    push({.act = Act::fill_object, .number = number, .shape = shape_number});
    if (state) push({.act = Act::restore, .place = {place.graph, *state}});
    if (elements) restore_each(place.graph, contents({place.graph, *elements}));
    for (std::size_t at = members.size(); at-- > 0;)
      restore_pair(place.graph, values[members[at]], values[members[at] + 1]);
    if (early) return make_object({.act = Act::make_object, .number = number, .shape = shape_number});
    push({.act = Act::make_object, .number = number, .shape = shape_number});
    if (arguments_ex) {
      const auto both = elements_of({place.graph, *arguments_ex}, "py/newargsex");
      if (both.size() != 2) fail("\"py/newargsex\" of another length than two");
      restore_each(place.graph, both);
    } else if (arguments) {
      push({.act = Act::restore, .place = {place.graph, *arguments}});
    }
    if (factory) push({.act = Act::restore, .place = {place.graph, *factory}});
  }

  /// jsonpickle's own form of dates and times: `"__reduce__": [class, [bytes in base64, zone]]`.
  bool restore_date(const Place& place, std::string_view class_name, Value class_global) {
    const auto reduced = class_name.starts_with("datetime.") ? member(place, "__reduce__") : std::nullopt;
    if (!reduced || reduced->kind() != Kind::list) return false;
    const auto both = contents({place.graph, *reduced});
    if (both.size() != 2 || both[1].kind() != Kind::list) return false;
    const auto given = contents({place.graph, both[1]});
    if (given.empty() || given[0].kind() != Kind::text) return false;
    const auto bytes = from_base64(place.graph->text(given[0]));
    if (!bytes) return false;
    const std::uint32_t number = count(std::nullopt);
    results_.push_back(class_global);
    results_.push_back(builder_.copied(Kind::bytes, *bytes));
    push({.act = Act::make_date, .count = static_cast<std::uint32_t>(given.size()), .number = number});
    restore_each(place.graph, given.subspan(1));
    return true;
  }

  /// The elements of a list or tuple that was restored.
  std::vector<Value> elements_in(Value value, std::string_view tag) {
    const Graph& graph = builder_.graph();
    std::vector<Value> out;
    if (value.kind() == Kind::tuple) {
      const auto arguments = graph.arguments(value);
      out.assign(arguments.begin(), arguments.end());
    } else if (value.kind() == Kind::list) {
      for (const Part& part : graph.parts(value)) out.insert(out.end(), part.values.begin(), part.values.end());
    } else {
      fail(quote(tag) + " holds no list");
    }
    builder_.spend(out.size());  // lists may be shared
    return out;
  }

  void make_object(const Task& task) {
    const Shape& shape = shapes_[task.shape];
    std::vector<Value> given;
    Value keywords;
    if (shape.has_keywords) keywords = take();
    if (shape.has_arguments) given = elements_in(take(), "py/newargs");
    if (shape.has_factory) given.insert(given.begin(), take());
    std::vector<Value> arguments{shape.class_global, builder_.add_node(Kind::tuple, given)};
    if (shape.has_keywords) arguments.push_back(keywords);
    const Kind kind = shape.has_keywords ? Kind::object_kw : shape.is_call ? Kind::call : Kind::object;
    numbered_[task.number] = builder_.add_node(kind, arguments);
  }

  void fill_object(const Task& task) {
    const Shape shape = shapes_[task.shape];
    const Value node = *numbered_[task.number];
    const std::size_t total = 2ul * shape.members + shape.elements + (shape.has_state ? 1 : 0);
    const auto values = last(total);
    std::vector<Value> pairs;
    std::optional<Value> attributes;
    for (std::size_t at = 0; at < shape.members; ++at)
      if (shape.members_are_items && at == shape.dict_member)
        attributes = values[2 * at + 1];
      else
        pairs.insert(pairs.end(), {values[2 * at], values[2 * at + 1]});
    const auto elements = values.subspan(2ul * shape.members, shape.elements);
    if (!elements.empty()) builder_.add_part(node, Part::Act::append, elements);
    if (!shape.members_are_items && !pairs.empty()) {
      attributes = builder_.add_node(Kind::dict, {});
      builder_.add_part(*attributes, Part::Act::items, pairs);
    } else if (!pairs.empty()) {
      builder_.add_part(node, Part::Act::items, pairs);
    }
    if (attributes) builder_.add_part(node, Part::Act::state, std::span(&*attributes, 1));
    if (shape.has_state) builder_.add_part(node, Part::Act::state, values.subspan(total - 1, 1));
    collect(node, total);
  }

  void restore_reduce(const Place& inner) {
    const auto values = elements_of(inner, "py/reduce");
    if (values.size() < 2 || values.size() > 5) fail("\"py/reduce\" of another length than two to five");
    const std::uint32_t number = count(std::nullopt);
    const auto rest = static_cast<std::uint32_t>(values.size() - 2);
    push({.act = Act::fill_call, .count = rest, .number = number});
    restore_each(inner.graph, values.subspan(2));
    // The call comes before what is put into its result, which may refer to it.
    push({.act = Act::make_call, .number = number});
    restore_each(inner.graph, values.first(2));
  }

  void make_call(const Task& task) {
    std::vector<Value> arguments = elements_in(take(), "py/reduce");
    Value made[2] = {take(), Value{}};
    const bool is_object = builder_.graph().is_text(made[0], new_object);
    if (is_object) {
      if (arguments.empty()) fail("\"py/newobj\" without a class");
      made[0] = arguments.front();
      arguments.erase(arguments.begin());
    }
    if (!made[0].is_node()) fail("\"py/reduce\" calls what is nothing to call");
    made[1] = builder_.add_node(Kind::tuple, arguments);
    numbered_[task.number] = builder_.add_node(is_object ? Kind::object : Kind::call, made);
  }

  void fill_call(const Task& task) {
    const Value node = *numbered_[task.number];
    const std::vector<Value> values(last(task.count).begin(), last(task.count).end());
    const auto given = [&](std::size_t at) { return at < values.size() ? values[at] : Value{}; };
    if (given(1).kind() != Kind::none)
      if (const auto elements = elements_in(given(1), "py/reduce"); !elements.empty())
        builder_.add_part(node, Part::Act::append, elements);
    if (given(2).kind() != Kind::none) {
      std::vector<Value> pairs;
      for (const Value item : elements_in(given(2), "py/reduce")) {
        const std::vector<Value> pair = elements_in(item, "py/reduce");
        if (pair.size() != 2) fail("\"py/reduce\" with an item that is no pair");
        pairs.insert(pairs.end(), pair.begin(), pair.end());
      }
      if (!pairs.empty()) builder_.add_part(node, Part::Act::items, pairs);
    }
    const Value state = given(0);
    if (state.kind() != Kind::none) builder_.add_part(node, Part::Act::state, std::span(&state, 1));
    collect(node, task.count);
  }

  GraphBuilder& builder_;
  std::vector<Task> todo_;
  std::vector<Value> results_;
  std::vector<std::optional<Value>> numbered_;
  std::vector<Shape> shapes_;
  std::unordered_map<std::string, Value> globals_;
  std::vector<std::unique_ptr<Graph>> key_graphs_;
};

/// `data` of localstack-persist's wrapper, or the root.
Value unwrapped(const Graph& json) {
  const Value root = json.root();
  if (root.kind() != Kind::dict) return root;
  for (const Part& part : json.parts(root)) {
    if (part.values.size() != 4) return root;
    for (const std::size_t version : {0u, 2u})
      if (json.is_text(part.values[version], "v") && json.is_text(part.values[2 - version], "data") &&
          part.values[version + 1].kind() == Kind::integer)
        return part.values[3 - version];
  }
  return root;
}

}  // namespace

Graph read_jsonpickle(std::string file, std::string_view what, const Limits& limits) {
  GraphBuilder builder(std::move(file), what, limits);
  GraphBuilder plain({}, what, limits);
  const Value whole = add_json(plain, builder.file(), what);
  const Graph json = std::move(plain).finish(whole);
  const Value root = Reader(builder).read({&json, unwrapped(json)});
  const std::uint64_t end = builder.file().size();
  return std::move(builder).finish(root, 0, end);
}

}  // namespace pod::document
