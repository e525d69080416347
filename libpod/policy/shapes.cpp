#include "policy/shapes.hpp"

#include "policy/manifest.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace pod::policy {
namespace {

using document::Graph;
using document::Kind;
using document::Value;

constexpr std::size_t longest_pattern = 4096;
constexpr std::size_t longest_key = 65536;

bool is_int(Value value) { return value.kind() == Kind::integer || value.kind() == Kind::big_integer; }
bool is_count(const Graph& graph, Value value) { return value.kind() == Kind::integer && graph.integer(value) >= 0; }
bool is_number(Value value) { return is_int(value) || value.kind() == Kind::real; }

bool is_text_of(const Graph& graph, Value value, std::size_t longest) {
  return value.kind() == Kind::text && graph.bytes(value).size() <= longest;
}

bool is_bytes_of(const Graph& graph, Value value, std::size_t size) {
  return value.kind() == Kind::bytes && graph.bytes(value).size() == size;
}

/// Bytes of 4 KiB and more lie outside of the pickle.
bool is_bytes_or_blob(const Graph& graph, Value value) {
  if (value.kind() == Kind::bytes) return true;
  if (value.kind() != Kind::persistent) return false;
  const Arguments id = graph.arguments(value);
  return id.size() == 1 && id[0].kind() == Kind::tuple && graph.arguments(id[0]).size() == 2 &&
         graph.is_text(graph.arguments(id[0])[0], "blob");
}

/// Something that is made by a call or is an instance; what makes it is judged where it stands.
bool is_made(Value value) {
  return value.kind() == Kind::call || value.kind() == Kind::object || value.kind() == Kind::persistent;
}

bool is_call_of(const Graph& graph, Value value, std::string_view module, std::string_view name) {
  if (value.kind() != Kind::call) return false;
  const Value callable = graph.arguments(value)[0];
  if (callable.kind() != Kind::global) return false;
  const Arguments names = graph.arguments(callable);
  return graph.is_text(names[0], module) && graph.is_text(names[1], name);
}

bool is_global(const Graph& graph, Value value, std::string_view module, std::string_view name) {
  if (value.kind() != Kind::global) return false;
  const Arguments names = graph.arguments(value);
  return graph.is_text(names[0], module) && graph.is_text(names[1], name);
}

bool is_empty_tuple(const Graph& graph, Value value) {
  return value.kind() == Kind::tuple && graph.arguments(value).empty();
}

bool nothing(const Graph&, Arguments arguments) { return arguments.empty(); }

// Value types.

bool datetime(const Graph& graph, Arguments a) {
  return (a.size() == 1 || a.size() == 2) && is_bytes_of(graph, a[0], 10) && (a.size() == 1 || is_made(a[1]));
}
bool date(const Graph& graph, Arguments a) { return a.size() == 1 && is_bytes_of(graph, a[0], 4); }
bool time(const Graph& graph, Arguments a) {
  return (a.size() == 1 || a.size() == 2) && is_bytes_of(graph, a[0], 6) && (a.size() == 1 || is_made(a[1]));
}
bool timedelta(const Graph&, Arguments a) { return a.size() == 3 && std::all_of(a.begin(), a.end(), is_int); }
bool timezone(const Graph& graph, Arguments a) {
  return (a.size() == 1 || a.size() == 2) && is_call_of(graph, a[0], "datetime", "timedelta") &&
         (a.size() == 1 || is_text_of(graph, a[1], 200));
}
bool decimal(const Graph& graph, Arguments a) { return a.size() == 1 && is_text_of(graph, a[0], 1000); }
bool address(const Graph& graph, Arguments a) {
  if (a.size() != 1) return false;
  if (a[0].kind() == Kind::big_integer) {
    const std::string_view bytes = graph.bytes(a[0]);
    return !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) == 0;
  }
  return is_text_of(graph, a[0], 100) || is_count(graph, a[0]);
}
bool counter(const Graph&, Arguments a) { return a.size() == 1 && a[0].kind() == Kind::dict; }
bool deque(const Graph& graph, Arguments a) {
  return a.empty() ||
         (a.size() <= 2 && is_empty_tuple(graph, a[0]) && (a.size() == 1 || is_int(a[1]) || a[1].kind() == Kind::none));
}
/// A class, whose standing is judged where it stands as a value. An enum makes no instance without a value, and of the
/// value types only containers do.
bool may_be_factory(const Graph& graph, Value global) {
  const Arguments words = graph.arguments(global);
  if (words[0].kind() != Kind::text || words[1].kind() != Kind::text) return false;
  const std::string_view module = graph.bytes(words[0]);
  const std::string_view name = graph.bytes(words[1]);
  if (module == "collections") return name == "OrderedDict" || name == "deque";
  if (shape_of(module, name) || carrier_shape_of(module, name)) return false;
  const ManifestClass* found = Manifest::committed().find(module, name);
  return !found || found->base != Base::enumeration;
}

bool default_dict(const Graph& graph, Arguments a) {
  if (a.empty()) return true;
  if (a.size() != 1) return false;
  if (a[0].kind() == Kind::global) return may_be_factory(graph, a[0]);
  return a[0].kind() == Kind::none || a[0].kind() == Kind::persistent ||
         is_call_of(graph, a[0], "pod_agent.restore", "factory") ||
         is_call_of(graph, a[0], "pod_agent.restore", "method");
}
bool byte_array(const Graph&, Arguments a) { return a.empty() || (a.size() == 1 && a[0].kind() == Kind::bytes); }
bool complex_number(const Graph&, Arguments a) {
  return a.size() == 2 && a[0].kind() == Kind::real && a[1].kind() == Kind::real;
}
bool safe_uuid(const Graph&, Arguments a) { return a.size() == 1 && (is_int(a[0]) || a[0].kind() == Kind::none); }

// Restore functions of pod-agent.

constexpr std::array<std::string_view, 12> factory_types{"list", "dict",  "set",   "int",       "str",         "float",
                                                         "bool", "tuple", "bytes", "frozenset", "OrderedDict", "deque"};

/// Atoms, and lists and dicts of them, at most a thousand: what a default factory with content may make.
bool is_plain(const Graph& graph, Value root) {
  std::vector<std::pair<Value, int>> left{{root, 0}};
  for (int budget = 1000; !left.empty(); --budget) {
    if (budget == 0) return false;
    const auto [value, depth] = left.back();
    left.pop_back();
    const Kind kind = value.kind();
    if (kind == Kind::none || kind == Kind::boolean || kind == Kind::text || is_number(value)) continue;
    if (is_call_of(graph, value, "datetime", "datetime") || is_call_of(graph, value, "datetime", "timedelta")) continue;
    if (depth > 8 || (kind != Kind::list && kind != Kind::dict)) return false;
    for (const document::Part& part : graph.parts(value)) {
      if (part.values.size() > 200) return false;
      for (const Value inner : part.values) left.emplace_back(inner, depth + 1);
    }
    if (left.size() > 1000) return false;
  }
  return true;
}

bool factory(const Graph& graph, Arguments a) {
  if (a.size() != 1) return false;
  Value spec = a[0];
  for (int depth = 0; depth <= 8; ++depth) {
    if (spec.kind() == Kind::text)
      return std::find(factory_types.begin(), factory_types.end(), graph.bytes(spec)) != factory_types.end();
    if (spec.kind() != Kind::tuple) return false;
    const Arguments pair = graph.arguments(spec);
    if (pair.size() != 2) return false;
    if (graph.is_text(pair[0], "value")) return is_plain(graph, pair[1]);
    if (!graph.is_text(pair[0], "defaultdict")) return false;
    if (pair[1].kind() == Kind::none) return true;
    spec = pair[1];
  }
  return false;
}

bool event(const Graph&, Arguments a) { return a.size() == 1 && a[0].kind() == Kind::boolean; }
bool semaphore(const Graph& graph, Arguments a) {
  return a.size() == 2 && is_count(graph, a[0]) && a[1].kind() == Kind::boolean;
}
bool queue(const Graph& graph, Arguments a) {
  static constexpr std::array<std::string_view, 4> kinds{"Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"};
  return a.size() == 3 && a[0].kind() == Kind::text &&
         std::find(kinds.begin(), kinds.end(), graph.bytes(a[0])) != kinds.end() && is_int(a[1]) &&
         a[2].kind() == Kind::list;
}
bool regex(const Graph& graph, Arguments a) {
  return a.size() == 2 && (a[0].kind() == Kind::text || a[0].kind() == Kind::bytes) &&
         graph.bytes(a[0]).size() <= longest_pattern && is_int(a[1]);
}
bool method(const Graph& graph, Arguments a) {
  return a.size() == 2 && (a[0].kind() == Kind::object || a[0].kind() == Kind::persistent) &&
         a[1].kind() == Kind::text && is_identifier(graph.bytes(a[1])) && !graph.bytes(a[1]).starts_with("__");
}
bool weak(const Graph&, Arguments a) { return a.size() == 1 && is_made(a[0]); }
bool one_dict(const Graph&, Arguments a) { return a.size() == 1 && a[0].kind() == Kind::dict; }
bool one_list(const Graph&, Arguments a) { return a.size() == 1 && a[0].kind() == Kind::list; }
bool count(const Graph&, Arguments a) { return a.size() == 2 && is_number(a[0]) && is_number(a[1]); }
bool one_text(const Graph&, Arguments a) { return a.size() == 1 && a[0].kind() == Kind::text; }
bool one_body(const Graph& graph, Arguments a) { return a.size() == 1 && is_bytes_or_blob(graph, a[0]); }
bool key(const Graph& graph, Arguments a) {
  return a.size() == 1 && is_bytes_or_blob(graph, a[0]) &&
         (a[0].kind() != Kind::bytes || graph.bytes(a[0]).size() <= longest_key);
}

bool is_zone_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
           c == '-' || c == '/';
  });
}

bool zone(const Graph& graph, Arguments a) {
  return a.size() == 1 && a[0].kind() == Kind::text && is_zone_name(graph.bytes(a[0]));
}
bool jwk(const Graph& graph, Arguments a) {
  static constexpr std::array<std::string_view, 4> kinds{"RSAKey", "ECKey", "OKPKey", "OctKey"};
  return a.size() == 2 && a[0].kind() == Kind::text &&
         std::find(kinds.begin(), kinds.end(), graph.bytes(a[0])) != kinds.end() &&
         is_text_of(graph, a[1], longest_key);
}
bool service_model(const Graph& graph, Arguments a) {
  if (a.size() != 1 || !is_text_of(graph, a[0], 64) || graph.bytes(a[0]).empty()) return false;
  const std::string_view name = graph.bytes(a[0]);
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}
bool timer(const Graph& graph, Arguments a) {
  return a.size() == 3 && a[0].kind() == Kind::real && is_call_of(graph, a[1], "pod_agent.restore", "method") &&
         a[2].kind() == Kind::tuple;
}

// Setters: the object, then its state. What the state may hold depends on the object's class: judge.cpp.

bool set_raw(const Graph& graph, Arguments a) {
  if (a.size() != 2 || a[0].kind() != Kind::object || a[1].kind() != Kind::tuple) return false;
  const Arguments state = graph.arguments(a[1]);
  return state.size() == 3 && (state[0].kind() == Kind::dict || state[0].kind() == Kind::list) &&
         (state[1].kind() == Kind::dict || state[1].kind() == Kind::none) && default_dict(graph, state.subspan(2, 1));
}
bool set_thread(const Graph&, Arguments a) {
  return a.size() == 2 && a[0].kind() == Kind::object && a[1].kind() == Kind::dict;
}
bool set_key(const Graph& graph, Arguments a) {
  if (a.size() != 2 || a[0].kind() != Kind::object || a[1].kind() != Kind::tuple) return false;
  const Arguments state = graph.arguments(a[1]);
  return state.size() == 2 && state[0].kind() == Kind::dict &&
         (state[1].kind() == Kind::bytes || state[1].kind() == Kind::persistent || state[1].kind() == Kind::none);
}

// Carriers of real pods.

bool any_size(const Graph& graph, Arguments a) {
  return a.size() == 1 && a[0].kind() == Kind::integer && graph.integer(a[0]) >= 0;
}
bool generic_alias(const Graph&, Arguments a) {
  return a.size() == 2 && a[0].kind() == Kind::global && (a[1].kind() == Kind::tuple || a[1].kind() == Kind::global);
}
bool get_attribute(const Graph& graph, Arguments a) {
  if (a.size() == 2) return is_global(graph, a[0], "zoneinfo", "ZoneInfo") && graph.is_text(a[1], "_unpickle");
  return a.size() == 3 && is_global(graph, a[0], "dill", "_dill") && graph.is_text(a[1], "_setattr") &&
         is_global(graph, a[2], "builtins", "setattr");
}
bool dill_lock(const Graph&, Arguments a) { return a.size() == 1 && a[0].kind() == Kind::boolean; }
bool dill_rlock(const Graph&, Arguments a) {
  return a.size() == 2 && is_int(a[0]) && (is_int(a[1]) || a[1].kind() == Kind::none);
}

struct Row {
  std::string_view module;
  std::string_view name;
  Shape shape;
  bool setter = false;
};

constexpr Row granted[] = {
    {"datetime", "datetime", datetime},
    {"datetime", "date", date},
    {"datetime", "time", time},
    {"datetime", "timedelta", timedelta},
    {"datetime", "timezone", timezone},
    {"decimal", "Decimal", decimal},
    {"ipaddress", "IPv4Address", address},
    {"ipaddress", "IPv6Address", address},
    {"ipaddress", "IPv4Network", address},
    {"ipaddress", "IPv6Network", address},
    {"ipaddress", "IPv4Interface", address},
    {"ipaddress", "IPv6Interface", address},
    {"collections", "OrderedDict", nothing},
    {"collections", "Counter", counter},
    {"collections", "deque", deque},
    {"collections", "defaultdict", default_dict},
    {"builtins", "bytearray", byte_array},
    {"builtins", "complex", complex_number},
    {"uuid", "SafeUUID", safe_uuid},
    {"pod_agent.restore", "factory", factory},
    {"pod_agent.restore", "nothing", nothing},
    {"pod_agent.restore", "lock", nothing},
    {"pod_agent.restore", "rlock", nothing},
    {"pod_agent.restore", "condition", nothing},
    {"pod_agent.restore", "event", event},
    {"pod_agent.restore", "semaphore", semaphore},
    {"pod_agent.restore", "queue", queue},
    {"pod_agent.restore", "regex", regex},
    {"pod_agent.restore", "method", method},
    {"pod_agent.restore", "weak", weak},
    {"pod_agent.restore", "weak_proxy", weak},
    {"pod_agent.restore", "weak_values", one_dict},
    {"pod_agent.restore", "weak_keys", one_list},
    {"pod_agent.restore", "weak_set", one_list},
    {"pod_agent.restore", "iterator", one_list},
    {"pod_agent.restore", "cycle", one_list},
    {"pod_agent.restore", "count", count},
    {"pod_agent.restore", "text_buffer", one_text},
    {"pod_agent.restore", "byte_buffer", one_body},
    {"pod_agent.restore", "zone", zone},
    {"pod_agent.restore", "tzutc", nothing},
    {"pod_agent.restore", "tzlocal", nothing},
    {"pod_agent.restore", "private_key", key},
    {"pod_agent.restore", "public_key", key},
    {"pod_agent.restore", "certificate", key},
    {"pod_agent.restore", "signing_request", key},
    {"pod_agent.restore", "jwk", jwk},
    {"pod_agent.restore", "service_model", service_model},
    {"pod_agent.restore", "timer", timer},
    {"pod_agent.restore", "set_raw", set_raw, true},
    {"pod_agent.restore", "set_thread", set_thread, true},
    {"pod_agent.restore", "set_key", set_key, true},
};

constexpr Row carriers[] = {
    {"_thread", "RLock", nothing},
    {"_thread", "allocate_lock", nothing},
    {"threading", "Lock", nothing},
    {"threading", "RLock", nothing},
    {"dill._dill", "_create_lock", dill_lock},
    {"dill._dill", "_create_rlock", dill_rlock},
    {"localstack_persist.serialization.pickle.handlers", "unpickle_lock", nothing},
    {"localstack_persist.serialization.pickle.handlers", "unpickle_rlock", nothing},
    {"localstack_persist.serialization.pickle.handlers", "unpickle_cert_bundle", one_dict},
    {"queue", "Queue", any_size},
    {"queue", "LifoQueue", any_size},
    {"queue", "PriorityQueue", any_size},
    {"re", "_compile", regex},
    {"types", "GenericAlias", generic_alias},
    {"builtins", "getattr", get_attribute},
};

template <std::size_t size>
const Row* find(const Row (&rows)[size], std::string_view module, std::string_view name) {
  const Row* found = std::find_if(std::begin(rows), std::end(rows),
                                  [&](const Row& row) { return row.name == name && row.module == module; });
  return found == std::end(rows) ? nullptr : found;
}

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_digits(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

Shape shape_of(std::string_view module, std::string_view name, bool* setter) {
  const Row* row = find(granted, module, name);
  if (setter) *setter = row && row->setter;
  return row ? row->shape : nullptr;
}

Shape carrier_shape_of(std::string_view module, std::string_view name) {
  const Row* row = find(carriers, module, name);
  return row ? row->shape : nullptr;
}

bool is_scalar(const Graph&, Value value) {
  return value.kind() == Kind::text || value.kind() == Kind::boolean || is_number(value);
}

bool is_persistent_id(const Graph& graph, Value id) {
  if (id.kind() != Kind::tuple) return false;
  const Arguments parts = graph.arguments(id);
  if (parts.size() < 2 || parts.size() > 5) return false;
  std::array<std::string_view, 5> text{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].kind() != Kind::text) return false;
    text[i] = graph.bytes(parts[i]);
  }
  if (text[0] == "blob") return parts.size() == 2 && is_hex(text[1], 64);
  if (text[0] == "body") return parts.size() == 3 && is_hex(text[1], 64) && is_digits(text[2], 1, 15);
  if (!Manifest::committed().has_service(text[1])) return false;
  if (text[0] == "backends") return parts.size() == 2;
  if (parts.size() < 3 || !is_digits(text[2], 12, 12)) return false;
  if (text[0] == "account") return parts.size() == 3;
  if (parts.size() < 4 || !is_region(text[3])) return false;
  if (text[0] == "backend") return parts.size() == 4;
  return text[0] == "ref" && parts.size() == 5 && text[4].starts_with('/') && text[4].size() <= 8192;
}

bool is_identifier(std::string_view name) noexcept {
  if (name.empty() || name.size() > 200 || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace pod::policy
