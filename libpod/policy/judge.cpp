#include "policy/judge.hpp"

#include "policy/shapes.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <span>

namespace pod::policy {

using document::Graph;
using document::Kind;
using document::NodeId;
using document::Part;
using Act = Part::Act;
using Weight = Findings::Weight;

namespace {

// What a queue and a function are given beside their arguments.
constexpr std::string_view of_queues[] = {"queue"};
constexpr std::string_view of_functions[] = {"__annotations__", "__qualname__", "__module__", "__doc__"};

/// A dict, or none, without any other keys than these.
bool has_only(const Graph& graph, document::Value dict, std::span<const std::string_view> names) {
  if (dict.kind() == Kind::none) return true;
  if (dict.kind() != Kind::dict) return false;
  for (const Part& part : graph.parts(dict))
    for (std::size_t i = 0; part.act == Act::items && i < part.values.size(); i += 2) {
      const document::Value key = part.values[i];
      if (key.kind() != Kind::text || std::find(names.begin(), names.end(), graph.bytes(key)) == names.end())
        return false;
    }
  return true;
}

}  // namespace

Judge::Judge(const Graph& graph, Findings& findings)
    : graph_(graph), findings_(findings), marks_(graph), named_(graph.node_count()), used_(graph.node_count()) {}

void Judge::run() {
  for (const Value call : graph_.loose_effects()) refuse(call, "calls something only for its effect");
  if (graph_.root().kind() == Kind::global) named_[graph_.root().node()] = true;
  const std::size_t count = graph_.node_count();
  for (std::size_t id = 0; id < count && !findings_.full(); ++id) {
    const Value node = graph_.node(static_cast<NodeId>(id));
    if (node.kind() == Kind::byte_array) continue;
    note_names(node);
    judge_node(node);
  }
  for (std::size_t id = 0; id < count && !findings_.full(); ++id) {
    const Value node = graph_.node(static_cast<NodeId>(id));
    if (node.kind() == Kind::global && (named_[id] || !used_[id])) judge_named(node);
  }
}

/// Which globals a node holds as values: not those that it calls or makes an instance of, nor those that may be named
/// here.
void Judge::note_names(Value node) {
  const Kind kind = node.kind();
  const bool first_is_judged =
      kind == Kind::call || kind == Kind::object || kind == Kind::object_kw || kind == Kind::instance;
  const bool may_name = marks_.may_name(node);
  const auto arguments = kind == Kind::global ? std::span<const Value>{} : graph_.arguments(node);
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].kind() == Kind::global) {
      used_[arguments[i].node()] = true;
      if (!may_name && !(first_is_judged && i == 0)) named_[arguments[i].node()] = true;
    }
  for (const Part& part : graph_.parts(node))
    for (const Value value : part.values)
      if (value.kind() == Kind::global) named_[value.node()] = true;
}

std::string Judge::made_of(Value node) const {
  const auto name = name_of(graph_, graph_.arguments(node)[0]);
  return name ? shown(*name) : std::string("what is no class");
}

void Judge::judge_node(Value node) {
  const auto only = [&](std::initializer_list<Act> acts, const char* what) {
    for (const Part& part : graph_.parts(node)) {
      if (part.act == Act::effect) continue;  // the call is judged where it stands
      bool good = false;
      for (const Act act : acts) good = good || act == part.act;
      if (!good) refuse(node, what);
    }
  };
  switch (node.kind()) {
    case Kind::list: return only({Act::append}, "gives a list what is no element");
    case Kind::dict: judge_keys(node); return only({Act::items}, "gives a dict what is no item");
    case Kind::set: judge_keys(node); return only({Act::add}, "gives a set what is no member");
    case Kind::frozen_set: judge_keys(node); return only({}, "changes a frozen set");
    case Kind::tuple: return only({}, "changes a tuple");
    case Kind::global: return only({}, "changes a class or a function");
    case Kind::persistent:
      if (!is_persistent_id(graph_, graph_.arguments(node)[0])) refuse(node, "a persistent id of an unknown kind");
      return only({}, "changes something that lies outside of this file");
    case Kind::call: return judge_call(node);
    case Kind::object: return judge_object(node);
    case Kind::object_kw: return refuse(node, "makes an instance of " + made_of(node) + " with keyword arguments");
    case Kind::instance: return refuse(node, "makes an instance of " + made_of(node) + " by calling it");
    case Kind::extension: return refuse(node, "names something by the number of an extension");
    case Kind::buffer:
    case Kind::readonly_buffer: return refuse(node, "takes data from outside of the file");
    case Kind::byte_array: return;
    default: return;  // atoms
  }
}

/// Keys and members: nothing that Python cannot hash.
void Judge::judge_keys(Value node) {
  const auto judge = [&](Value key) {
    const Kind kind = key.kind();
    const bool container = kind == Kind::list || kind == Kind::dict || kind == Kind::set || kind == Kind::byte_array ||
                           (kind == Kind::call && !graph_.parts(key).empty());
    if (container) refuse(node, "has a key that cannot be hashed");
  };
  if (node.kind() == Kind::frozen_set)
    for (const Value member : graph_.arguments(node)) judge(member);
  for (const Part& part : graph_.parts(node))
    for (std::size_t i = 0; i < part.values.size(); i += part.act == Act::items ? 2 : 1)
      if (part.act == Act::items || part.act == Act::add) judge(part.values[i]);
}

/// A global that stands as a value: only a class that an instance could be of.
void Judge::judge_named(Value global) {
  const auto name = name_of(graph_, global);
  if (!name) return refuse(global, "names something by what is no text");
  switch (known(*name).standing) {
    case Standing::state:
    case Standing::value:
    case Standing::built:
    case Standing::plain: return;
    case Standing::strange:
      return review(global, "names the class " + shown(*name) + ", which is not in the class manifest",
                    Weight::a_class);
    case Standing::restore:
    case Standing::carrier: return refuse(global, "holds the function " + shown(*name));
    case Standing::unknown: return refuse(global, "names " + shown(*name));
  }
}

void Judge::judge_call(Value call) {
  const auto arguments = graph_.arguments(call);
  judge_call_parts(call);
  if (arguments.size() != 2 || arguments[1].kind() != Kind::tuple)
    return refuse(call, "calls something with what is no tuple");
  const auto name = name_of(graph_, arguments[0]);
  if (!name) {
    const Lookup lookup = lookup_of(graph_, arguments[0]);
    if (lookup != Lookup::none) return judge_lookup_call(call, lookup);
    return refuse(call,
                  arguments[0].kind() == Kind::call ? "calls what another call gave" : "calls what is no function");
  }
  const auto given = graph_.arguments(arguments[1]);
  bool setter = false;
  if (const Shape shape = shape_of(name->module, name->name, &setter)) {
    if (!shape(graph_, given)) return refuse(call, "calls " + shown(*name) + " with arguments of another kind");
    if (setter) judge_setter(call, *name);
    return;
  }
  const Known standing = known(*name);
  if (standing.standing == Standing::state) {
    if (standing.of_manifest->base != Base::enumeration) return refuse(call, "calls the class " + shown(*name));
    const bool value = given.size() == 1 && (is_scalar(graph_, given[0]) || given[0].kind() == Kind::tuple);
    if (!value) refuse(call, "calls " + shown(*name) + " with arguments of another kind");
    return;
  }
  if (name->module == "copyreg" && (name->name == "__newobj__" || name->name == "_reconstructor"))
    return judge_object(call);
  if (name->module == "dill._dill" && !carrier_shape_of(name->module, name->name)) return judge_dill(call, *name);
  if (const Shape shape = carrier_shape_of(name->module, name->name)) {
    if (!shape(graph_, given)) return refuse(call, "calls " + shown(*name) + " with arguments of another kind");
    if (marks_.is_dropped(call)) return refuse(call, "calls " + shown(*name) + " only for its effect");
    return review(call, "calls " + shown(*name) + ", which real pods are known to do", Weight::a_call);
  }
  if (may_be_strange_enum(*name) && given.size() == 1 && is_scalar(graph_, given[0]) && !marks_.is_dropped(call))
    return review(call, "calls " + shown(*name) + " with a value, as for a member of an enum", Weight::a_class);
  refuse(call, "calls " + shown(*name));
}

/// A call of what `getattr` gave.
void Judge::judge_lookup_call(Value call, Lookup lookup) {
  const auto given = given_to(graph_, call);
  if (lookup == Lookup::zone) {
    const bool zone = given.size() == 2 && shape_of("pod_agent.restore", "zone")(graph_, given.first(1)) &&
                      (given[1].kind() == Kind::boolean || given[1].kind() == Kind::integer);
    return zone ? review(call, "makes a time zone through getattr, which real pods are known to do", Weight::a_call)
                : refuse(call, "calls what \"builtins.getattr\" gave");
  }
  const bool cell = given.size() == 3 && marks_.is_carried(given[0]) &&
                    is_call_of(graph_, given[0], "dill._dill", "_create_cell") &&
                    graph_.is_text(given[1], "cell_contents");
  cell ? review(call, "sets what a function of an SQS queue refers to, which real pods are known to do", Weight::code)
       : refuse(call, "calls \"builtins.setattr\"");
}

void Judge::judge_dill(Value call, const Name& name) {
  const bool known_one = name.name == "_create_function" || name.name == "_create_code" || name.name == "_create_cell";
  if (!known_one || !marks_.is_carried(call) || marks_.is_dropped(call)) return refuse(call, "calls " + shown(name));
  if (name.name == "_create_cell") {
    if (given_to(graph_, call).size() > 1)
      return refuse(call, "calls " + shown(name) + " with arguments of another kind");
    return review(call, "makes what a function of an SQS queue refers to", Weight::code);
  }
  if (name.name == "_create_function") {
    const auto given = given_to(graph_, call);
    for (std::size_t i = 0; i < given.size(); ++i)
      if (i != 1 && given[i].kind() == Kind::global)
        return refuse(call, "calls " + shown(name) + " with arguments of another kind");
    return review(call, "makes a function from byte code in this file", Weight::code);
  }
  // Which names the code uses is the first thing to look at.
  std::string words;
  for (const Value given : given_to(graph_, call)) {
    if (given.kind() != Kind::tuple) continue;
    for (const Value word : graph_.arguments(given))
      if (word.kind() == Kind::text && words.size() < 300)
        words += (words.empty() ? "" : ", ") + printable(graph_.bytes(word).substr(0, 60));
  }
  review(call, "holds byte code of Python that uses " + (words.empty() ? std::string("no names") : words),
         Weight::code);
}

void Judge::judge_call_parts(Value call) {
  const auto name = name_of(graph_, graph_.arguments(call)[0]);
  const auto is = [&](std::string_view module, std::string_view what) {
    return name && name->module == module && name->name == what;
  };
  for (const Part& part : graph_.parts(call)) {
    if (part.act == Act::effect) continue;
    if (part.act == Act::items &&
        (is("collections", "OrderedDict") || is("collections", "defaultdict") || is("collections", "Counter")))
      continue;
    if (part.act == Act::append && is("collections", "deque")) continue;
    const bool queue = is("queue", "Queue") || is("queue", "LifoQueue") || is("queue", "PriorityQueue");
    const bool function = is("dill._dill", "_create_function") && marks_.is_carried(call);
    if (part.act == Act::state && queue && has_only(graph_, part.values[0], of_queues)) continue;
    if (part.act == Act::state && function && part.values[0].kind() == Kind::tuple &&
        graph_.arguments(part.values[0]).size() == 2 && has_only(graph_, graph_.arguments(part.values[0])[0], {}) &&
        has_only(graph_, graph_.arguments(part.values[0])[1], of_functions))
      continue;
    if (is("copyreg", "_reconstructor") || is("copyreg", "__newobj__")) continue;  // judged as an object's
    refuse(call, "changes what " + (name ? shown(*name) : std::string("a call")) + " gave");
  }
}

}  // namespace pod::policy
