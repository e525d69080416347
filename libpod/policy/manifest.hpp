// The classes that state of an emulator may hold, as `pod-agent manifest` wrote them down: moto-<version>.json, built
// into the library.
//
// Thread word: immutable, safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pod::policy {

/// What instances of a class are underneath.
enum class Base : std::uint8_t {
  enumeration,
  ordered_dict,
  default_dict,
  deque,
  dict,
  list,
  set,
  tuple,
  text,
  integer,
  real,
  bytes,
  thread,
  object,
  none
};

/// What an attribute of that name would hide.
enum class Hides : std::uint8_t { nothing, property, method };

struct ManifestClass {
  std::string_view module;
  std::string_view name;
  Base base = Base::none;
  bool setstate = false;                  // has a __setstate__, which a plain unpickler would run
  std::vector<std::string_view> methods;  // sorted, with those of its bases; no dunders
  std::vector<std::string_view> properties;
  std::vector<std::string_view> slots;

  Hides hides(std::string_view attribute) const;
  bool has_slot(std::string_view attribute) const;
};

class Manifest {
 public:
  /// Of all committed files; read at the first call.
  static const Manifest& committed();
  /// Error(corrupt). Where two hold the same class, the first one counts.
  explicit Manifest(std::span<const std::string_view> texts);

  /// Null where it holds no such class.
  const ManifestClass* find(std::string_view module, std::string_view name) const;
  bool has_service(std::string_view name) const { return services_.contains(std::string(name)); }
  std::size_t size() const noexcept { return classes_.size(); }

 private:
  struct Table;
  void add(std::string_view text);

  std::unordered_map<std::string, ManifestClass> classes_;  // "module:name"
  std::unordered_set<std::string> names_;                   // what the views of all classes point into
  std::unordered_set<std::string> services_;
};

/// What embed.py made of the committed files.
std::span<const std::string_view> committed_manifests() noexcept;

}  // namespace pod::policy
