// What a state file may name, by module and name alone.
#pragma once

#include "document/graph.hpp"
#include "policy/manifest.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pod::policy {

enum class Standing : std::uint8_t {
  unknown,  // on no list
  state,    // a class of the manifest
  value,    // a value type that may be called with arguments of its shape, and named
  built,    // a value type that is made empty and then given attributes: uuid.UUID, CaseInsensitiveDict
  plain,    // a type that may only be named: what a default dict makes
  restore,  // a function of pod-agent that may be called
  strange,  // a class of moto or LocalStack by its name, which the manifest does not hold
  carrier,  // a function that real pods are known to carry
};

struct Name {
  std::string_view module;
  std::string_view name;
  friend bool operator==(const Name&, const Name&) = default;
};

/// Of a global. Nothing where it is none, or is not named by two texts.
std::optional<Name> name_of(const document::Graph& graph, document::Value value);

struct Known {
  Standing standing = Standing::unknown;
  const ManifestClass* of_manifest = nullptr;
};
Known known(const Name& name);

/// "os.system" in quotes, harmless to show, of bounded length.
std::string shown(const Name& name);

/// A class of LocalStack that stands for one of a list of values: its API's enums and those of its services.
bool may_be_strange_enum(const Name& name);

}  // namespace pod::policy
