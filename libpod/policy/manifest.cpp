#include "policy/manifest.hpp"

#include "json/json.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace pod::policy {
namespace {

constexpr std::array<std::pair<std::string_view, Base>, 15> bases{{
    {"enum", Base::enumeration},
    {"ordered_dict", Base::ordered_dict},
    {"default_dict", Base::default_dict},
    {"deque", Base::deque},
    {"dict", Base::dict},
    {"list", Base::list},
    {"set", Base::set},
    {"tuple", Base::tuple},
    {"str", Base::text},
    {"int", Base::integer},
    {"float", Base::real},
    {"bytes", Base::bytes},
    {"thread", Base::thread},
    {"object", Base::object},
    {"none", Base::none},
}};

constexpr std::string_view what = "class manifest";

Base base_named(const std::string& kind) {
  const auto* found = std::find_if(bases.begin(), bases.end(), [&](const auto& entry) { return entry.first == kind; });
  if (found == bases.end()) throw Error(ErrorCode::corrupt, "class manifest: no kind " + quote(kind));
  return found->second;
}

std::vector<std::string> names_in(const json::Value& entry, const char* member) {
  return entry.contains(member) ? json::strings_member(entry, member, what) : std::vector<std::string>{};
}

struct Inherited {
  std::set<std::string> methods;
  std::set<std::string> properties;
  std::set<std::string> slots;
};

}  // namespace

/// One file, while its classes get what their bases have.
struct Manifest::Table {
  explicit Table(const json::Value& document) {
    for (const char* section : {"bases", "classes"})
      for (const auto& [module, entries] : json::object_member(document, section, what).items())
        for (const auto& [name, entry] : entries.items()) entries_.emplace(module + ':' + name, &entry);
  }

  const Inherited& of(const std::string& key, int depth = 0) {
    if (const auto known = done_.find(key); known != done_.end()) return known->second;
    const auto found = entries_.find(key);
    if (found == entries_.end() || depth > 64)
      throw Error(ErrorCode::corrupt, "class manifest: no class " + quote(key));
    Inherited made;
    for (const std::string& base : names_in(*found->second, "bases")) {
      const Inherited& above = of(base, depth + 1);
      made.methods.insert(above.methods.begin(), above.methods.end());
      made.properties.insert(above.properties.begin(), above.properties.end());
      made.slots.insert(above.slots.begin(), above.slots.end());
    }
    for (const std::string& name : names_in(*found->second, "plain")) {
      made.methods.erase(name);
      made.properties.erase(name);
    }
    for (std::string& name : names_in(*found->second, "methods")) made.methods.insert(std::move(name));
    for (std::string& name : names_in(*found->second, "properties")) made.properties.insert(std::move(name));
    for (std::string& name : names_in(*found->second, "slots")) made.slots.insert(std::move(name));
    return done_.emplace(key, std::move(made)).first->second;
  }

 private:
  std::map<std::string, const json::Value*> entries_;
  std::map<std::string, Inherited> done_;
};

Hides ManifestClass::hides(std::string_view attribute) const {
  if (std::binary_search(methods.begin(), methods.end(), attribute)) return Hides::method;
  return std::binary_search(properties.begin(), properties.end(), attribute) ? Hides::property : Hides::nothing;
}

bool ManifestClass::has_slot(std::string_view attribute) const {
  return std::binary_search(slots.begin(), slots.end(), attribute);
}

const Manifest& Manifest::committed() {
  static const Manifest manifest(committed_manifests());
  return manifest;
}

Manifest::Manifest(std::span<const std::string_view> texts) {
  for (const std::string_view text : texts) add(text);
}

void Manifest::add(std::string_view text) {
  const json::Value document = json::parse(text, what);
  if (json::integer_member(document, "format", what) != 1)
    throw Error(ErrorCode::corrupt, "class manifest: another format");
  for (std::string& service : json::strings_member(document, "services", what)) services_.insert(std::move(service));
  Table table(document);
  const auto kept = [&](const std::set<std::string>& names) {
    std::vector<std::string_view> views;
    for (const std::string& name : names) views.push_back(*names_.insert(name).first);
    return views;
  };
  for (const auto& [module, entries] : json::object_member(document, "classes", what).items())
    for (const auto& [name, entry] : entries.items()) {
      const std::string key = module + ':' + name;
      const Inherited& inherited = table.of(key);
      classes_.emplace(key, ManifestClass{*names_.insert(module).first, *names_.insert(name).first,
                                          base_named(json::string_member(entry, "kind", what)),
                                          entry.contains("setstate") && json::bool_member(entry, "setstate", what),
                                          kept(inherited.methods), kept(inherited.properties), kept(inherited.slots)});
    }
}

const ManifestClass* Manifest::find(std::string_view module, std::string_view name) const {
  if (module.size() + name.size() > 500) return nullptr;
  const auto found = classes_.find(std::string(module) + ':' + std::string(name));
  return found == classes_.end() ? nullptr : &found->second;
}

}  // namespace pod::policy
