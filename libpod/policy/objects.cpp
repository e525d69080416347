// Instances: which classes, what they are made of, and what becomes their attributes.
#include "policy/judge.hpp"
#include "policy/shapes.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>

namespace pod::policy {

using document::Graph;
using document::Kind;
using document::Part;
using Act = Part::Act;
using Weight = Findings::Weight;

namespace {

constexpr std::size_t longest_attribute = 256;

// What a thread keeps for itself; two of them may be given.
constexpr std::array<std::string_view, 11> of_threads{
    "_target",  "_args",       "_kwargs",      "_ident",  "_native_id",        "_tstate_lock",
    "_started", "_is_stopped", "_initialized", "_stderr", "_invoke_excepthook"};
constexpr std::array<std::string_view, 2> of_keys{"_value_buffer", "lock"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Calls `visit` with each key of a dict.
template <class Visit>
void each_key(const Graph& graph, document::Value dict, Visit visit) {
  for (const Part& part : graph.parts(dict))
    for (std::size_t i = 0; part.act == Act::items && i < part.values.size(); i += 2) visit(part.values[i]);
}

bool may_be_made_empty(const Name& name) {
  return name.module == "queue" || (name.module == "_thread" && name.name == "RLock");
}

std::string key_shown(const Graph& graph, document::Value key) {
  return key.kind() == Kind::text ? quote(graph.bytes(key).substr(0, 60)) : std::string("what is no text");
}

}  // namespace

/// An object, or a call of copyreg that makes one.
void Judge::judge_object(Value object) {
  const auto arguments = graph_.arguments(object);
  Value cls = arguments[0];
  std::span<const Value> given = given_to(graph_, object);
  const bool by_copyreg = object.kind() == Kind::call;
  if (arguments[1].kind() != Kind::tuple) return refuse(object, "makes an instance with what is no tuple");
  if (by_copyreg) {
    const auto called = name_of(graph_, cls);
    if (given.empty()) return refuse(object, "makes an instance of nothing");
    cls = given[0];
    if (called->name == "_reconstructor") {
      const auto base = given.size() == 3 ? name_of(graph_, given[1]) : std::nullopt;
      if (!base || base->module != "builtins" || given[2].kind() == Kind::global)
        return refuse(object, "makes an instance by \"copyreg._reconstructor\" of what is no plain type");
      given = base->name == "object" ? std::span<const Value>{} : given.last(1);
      if (base->name != "object" && known(*base).standing != Standing::plain)
        return refuse(object, "makes an instance by \"copyreg._reconstructor\" of what is no plain type");
    } else {
      given = given.subspan(1);
    }
  }
  const auto name = name_of(graph_, cls);
  if (!name) return refuse(object, "makes an instance of what is no class");
  const Known standing = known(*name);
  switch (standing.standing) {
    case Standing::state:
    case Standing::built:
    case Standing::strange: break;
    case Standing::carrier:  // as jsonpickle writes locks and queues
      if (may_be_made_empty(*name)) break;
      return refuse(object, "makes an instance of " + shown(*name) + " past its constructor");
    case Standing::unknown: return refuse(object, "makes an instance of " + shown(*name));
    default: return refuse(object, "makes an instance of " + shown(*name) + " past its constructor");
  }
  if (marks_.is_dropped(object)) return refuse(object, "makes an instance only for its effect");
  if (by_copyreg) review(object, "makes an instance of " + shown(*name) + " by copyreg");
  judge_made(object, *name, standing, given);
  judge_object_parts(object, *name, standing);
}

void Judge::judge_made(Value object, const Name& name, const Known& standing, std::span<const Value> given) {
  if (standing.standing == Standing::strange)
    return review(object, "makes an instance of " + shown(name) + ", which is not in the class manifest",
                  Weight::a_class);
  if (standing.standing == Standing::carrier) {
    if (!given.empty()) refuse(object, "makes an instance of " + shown(name) + " with arguments of another kind");
    return review(object, "makes an instance of " + shown(name) + ", which real pods are known to do", Weight::a_call);
  }
  const auto of = [&](auto... kinds) { return given.size() == 1 && ((given[0].kind() == kinds) || ...); };
  const Base base = standing.standing == Standing::built ? Base::object : standing.of_manifest->base;
  bool good = false;
  switch (base) {
    case Base::tuple: good = true; break;
    case Base::text: good = of(Kind::text); break;
    case Base::integer: good = of(Kind::integer, Kind::big_integer); break;
    case Base::real: good = of(Kind::real); break;
    case Base::bytes: good = of(Kind::bytes) || of(Kind::persistent); break;
    case Base::enumeration:
    case Base::none: return refuse(object, "makes an instance of " + shown(name) + ", of which there are none");
    default: good = given.empty(); break;
  }
  if (!good) refuse(object, "makes an instance of " + shown(name) + " with arguments of another kind");
}

void Judge::judge_object_parts(Value object, const Name& name, const Known& standing) {
  const bool strange = standing.standing == Standing::strange;
  for (const Part& part : graph_.parts(object)) {
    const Base base = standing.of_manifest ? standing.of_manifest->base : Base::object;
    bool own = false;  // items through what the class makes of them
    switch (part.act) {
      case Act::effect: continue;
      case Act::state:
        standing.standing == Standing::built ? judge_built(object, name, part.values[0])
                                             : judge_state(object, name, standing, part.values[0]);
        continue;
      case Act::items: own = base == Base::dict || base == Base::ordered_dict || base == Base::default_dict; break;
      case Act::append: own = base == Base::list || base == Base::deque; break;
      case Act::add: own = base == Base::set; break;
    }
    if (strange) continue;  // known to do what it does by its own methods: its class is shown
    if (!own)
      refuse(object, "gives items to an instance of " + shown(name) + ", which holds none");
    else
      review(object, "gives items to an instance of " + shown(name) + " through its own methods");
  }
}

void Judge::judge_state(Value object, const Name& name, const Known& standing, Value state) {
  const ManifestClass* of_manifest = standing.of_manifest;
  if (of_manifest && of_manifest->setstate) review(object, "gives state to the `__setstate__` of " + shown(name));
  std::span<const Value> pair;
  if (state.kind() == Kind::tuple) pair = graph_.arguments(state);
  if (state.kind() == Kind::dict) return judge_attributes(object, name, of_manifest, state);
  if (pair.size() != 2 || (pair[0].kind() != Kind::dict && pair[0].kind() != Kind::none) ||
      pair[1].kind() != Kind::dict) {
    if (state.kind() == Kind::none) return;
    return standing.standing == Standing::strange ? review(object, "gives " + shown(name) + " a state that is no dict")
                                                  : refuse(object, "gives " + shown(name) + " a state that is no dict");
  }
  if (pair[0].kind() == Kind::dict) judge_attributes(object, name, of_manifest, pair[0]);
  each_key(graph_, pair[1], [&](Value key) {
    const bool text = key.kind() == Kind::text && !is_dunder(graph_.bytes(key));
    if (!text || (of_manifest && !of_manifest->has_slot(graph_.bytes(key))))
      refuse(object, "sets " + key_shown(graph_, key) + " of " + shown(name) + ", which is no slot of it");
  });
}

void Judge::judge_attributes(Value object, const Name& name, const ManifestClass* of_manifest, Value attributes) {
  each_key(graph_, attributes, [&](Value key) {
    // What typing leaves in an instance of a generic class.
    if (!of_manifest && graph_.is_text(key, "__orig_class__"))
      return review(object, "sets \"__orig_class__\" of " + shown(name));
    if (key.kind() != Kind::text || graph_.bytes(key).size() > longest_attribute || is_dunder(graph_.bytes(key)))
      return refuse(object, "sets " + key_shown(graph_, key) + " of " + shown(name));
    if (!of_manifest) return;
    switch (of_manifest->hides(graph_.bytes(key))) {
      case Hides::nothing: return;
      case Hides::property:
        return review(object, "sets " + key_shown(graph_, key) + " of " + shown(name) + ", which is a property of it");
      case Hides::method:
        return refuse(object, "sets " + key_shown(graph_, key) + " of " + shown(name) + ", which hides a method");
    }
  });
}

void Judge::judge_built(Value object, const Name& name, Value state) {
  if (state.kind() != Kind::dict) return refuse(object, "gives " + shown(name) + " a state of another shape");
  const bool uuid = name.name == "UUID";
  for (const Part& part : graph_.parts(state))
    for (std::size_t i = 0; part.act == Act::items && i + 1 < part.values.size(); i += 2) {
      const Value key = part.values[i];
      const Value value = part.values[i + 1];
      bool good = false;
      if (uuid && graph_.is_text(key, "int"))
        good = (value.kind() == Kind::integer && graph_.integer(value) >= 0) ||
               (value.kind() == Kind::big_integer && graph_.bytes(value).size() <= 17 &&
                (static_cast<unsigned char>(graph_.bytes(value).back()) & 0x80) == 0);
      else if (uuid && graph_.is_text(key, "is_safe"))
        good = value.kind() == Kind::call || value.kind() == Kind::none;
      else if (!uuid && graph_.is_text(key, "_store"))
        good = value.kind() == Kind::dict || value.kind() == Kind::call;
      if (!good) refuse(object, "gives " + shown(name) + " a state of another shape");
    }
}

/// The shape of the arguments has been checked: what they may hold depends on the object's class.
void Judge::judge_setter(Value call, const Name& setter) {
  const auto given = given_to(graph_, call);
  const Value object = given[0];
  const auto name = name_of(graph_, graph_.arguments(object)[0]);
  const ManifestClass* cls = name ? Manifest::committed().find(name->module, name->name) : nullptr;
  if (!marks_.is_dropped(call)) return refuse(call, "holds what " + shown(setter) + " gave");
  if (!cls) return refuse(call, "calls " + shown(setter) + " for what it is not for");
  if (setter.name == "set_raw") {
    const auto state = graph_.arguments(given[1]);
    const bool dict = cls->base == Base::dict || cls->base == Base::ordered_dict || cls->base == Base::default_dict;
    const bool list = cls->base == Base::list || cls->base == Base::set || cls->base == Base::deque;
    if (!(dict && state[0].kind() == Kind::dict) && !(list && state[0].kind() == Kind::list))
      return refuse(call, "calls " + shown(setter) + " for what it is not for");
    if (state[1].kind() == Kind::dict) judge_attributes(call, *name, cls, state[1]);
    return;
  }
  const bool key = setter.name == "set_key";
  const bool fits = key ? cls->module == "moto.s3.models" && cls->name == "FakeKey" : cls->base == Base::thread;
  if (!fits) return refuse(call, "calls " + shown(setter) + " for what it is not for");
  const Value attributes = key ? graph_.arguments(given[1])[0] : given[1];
  judge_attributes(call, *name, cls, attributes);
  each_key(graph_, attributes, [&](Value each) {
    if (each.kind() == Kind::text && (key ? holds(of_keys, graph_.bytes(each)) : holds(of_threads, graph_.bytes(each))))
      refuse(call, "sets " + key_shown(graph_, each) + " of " + shown(*name));
  });
}

}  // namespace pod::policy
