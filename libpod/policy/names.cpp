#include "policy/names.hpp"

#include "policy/shapes.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>

namespace pod::policy {
namespace {

constexpr std::array<Name, 2> built{{{"uuid", "UUID"}, {"requests.structures", "CaseInsensitiveDict"}}};

constexpr std::array<std::string_view, 10> plain{"list",  "dict", "set",   "int",   "str",
                                                 "float", "bool", "tuple", "bytes", "frozenset"};

constexpr std::array<std::string_view, 3> packages{"moto", "localstack", "localstack_persist"};
// Modules of moto that hold no state.
constexpr std::array<std::string_view, 4> not_state{"responses", "urls", "server", "exceptions"};

/// Of a dotted name the parts, each an identifier; false where one is none.
bool is_dotted(std::string_view module, bool& holds_state) {
  if (module.size() > 300) return false;
  bool first = true;
  while (true) {
    const std::size_t dot = std::min(module.find('.'), module.size());
    const std::string_view part = module.substr(0, dot);
    if (!is_identifier(part)) return false;
    if (first && std::find(packages.begin(), packages.end(), part) == packages.end()) return false;
    if (!first && std::find(not_state.begin(), not_state.end(), part) != not_state.end()) holds_state = false;
    if (dot == module.size()) return !first;
    module.remove_prefix(dot + 1);
    first = false;
  }
}

/// `Queue`, `_VersionedKeyStore`: written as classes are.
bool is_class_name(std::string_view name) {
  if (!is_identifier(name)) return false;
  const std::size_t letter = name.find_first_not_of('_');
  return letter != std::string_view::npos && letter <= 2 && name[letter] >= 'A' && name[letter] <= 'Z';
}

bool is_strange(const Name& name) {
  bool holds_state = true;
  return is_dotted(name.module, holds_state) && holds_state && is_class_name(name.name);
}

}  // namespace

std::optional<Name> name_of(const document::Graph& graph, document::Value value) {
  if (value.kind() != document::Kind::global) return std::nullopt;
  const auto words = graph.arguments(value);
  if (words.size() != 2 || words[0].kind() != document::Kind::text || words[1].kind() != document::Kind::text)
    return std::nullopt;
  return Name{graph.bytes(words[0]), graph.bytes(words[1])};
}

Known known(const Name& name) {
  if (const ManifestClass* found = Manifest::committed().find(name.module, name.name)) return {Standing::state, found};
  if (shape_of(name.module, name.name))
    return {name.module == "pod_agent.restore" ? Standing::restore : Standing::value, nullptr};
  if (std::find(built.begin(), built.end(), name) != built.end()) return {Standing::built, nullptr};
  if (name.module == "builtins" && std::find(plain.begin(), plain.end(), name.name) != plain.end())
    return {Standing::plain, nullptr};
  if (carrier_shape_of(name.module, name.name)) return {Standing::carrier, nullptr};
  return {is_strange(name) ? Standing::strange : Standing::unknown, nullptr};
}

std::string shown(const Name& name) {
  const std::string module(name.module.substr(0, 120));
  const std::string cut(name.name.substr(0, 80));
  return quote(module + (module.size() < name.module.size() ? "…" : "") + '.' + cut +
               (cut.size() < name.name.size() ? "…" : ""));
}

bool may_be_strange_enum(const Name& name) {
  return (name.module.starts_with("localstack.aws.api.") || name.module.starts_with("localstack.services.")) &&
         is_strange(name);
}

}  // namespace pod::policy
