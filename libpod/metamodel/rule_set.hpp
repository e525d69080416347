// The rules as they were read: what Rules holds. For this room alone.
#pragma once

#include "metamodel/pattern.hpp"
#include "metamodel/rules.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::metamodel {

/// What an attribute, an id or an ARN is made of.
struct Term {
  enum class Kind : std::uint8_t {
    value,     // a leaf's text, or the leaves of a list
    time,      // a number of seconds or milliseconds since 1970 as a date
    length,    // "12 bytes"
    present,   // "yes" where there is something, nothing otherwise
    number,    // of items
    template_  // "arn:aws:s3:::{id}": {names} replaced
  };
  Kind kind = Kind::value;
  Pattern pattern;
  std::string text;  // of a template
};
/// The first that gives something.
using Expression = std::vector<Term>;

/// A sum over every match of every pattern.
using Sum = std::vector<Pattern>;

struct Condition {
  enum class Subject : std::uint8_t { field, key, class_name };
  Subject subject = Subject::field;
  Pattern pattern;
  std::string glob;  // with {names} as templates have them
};

struct Shown {
  std::string name;
  Expression value;
};

struct Counted {
  std::string name;
  Sum sum;
};

struct ResourceRule {
  std::string type;
  Pattern pattern;
  Expression id;  // empty: what the last `*` stands for
  Expression arn;
  std::vector<Shown> shown;
  std::vector<Counted> counts;
  Sum bytes;
  std::vector<Pattern> tags;
  std::vector<Pattern> references;  // beside those that are found
  std::vector<Condition> only;      // all must hold: else it is something else
  std::vector<Condition> keep;      // all must hold: else it is the emulator's own, counted as "<type> (stock)"
  std::vector<Condition> skip;      // none may: so is that
  std::vector<Condition> stock;     // one of them: the emulator's own, shown as that
};

struct FieldRule {
  Pattern pattern;
  std::string class_name;  // the pattern's first step is a field of such an object
  std::string glob;        // of the text that stands there; empty: any
};

struct StoreRule {
  std::string class_name;  // of the document's root
  Pattern pattern;         // its stores; each `*` says account, then region
};

struct ServiceRules {
  std::vector<ResourceRule> resources;
  std::vector<std::string> hidden;  // collections that are not listed
  std::vector<FieldRule> secrets;
  std::vector<FieldRule> secret_keys;
  std::vector<FieldRule> changing;
};

struct Rules::Impl {
  int number = 0;
  std::vector<StoreRule> stores;
  std::vector<std::string> secret_names;  // globs over plain_name()
  std::vector<std::string> open_names;    // those that would match but are none
  ServiceRules everywhere;
  std::map<std::string, ServiceRules, std::less<>> services;

  const ServiceRules* find(std::string_view service) const {
    const auto found = services.find(service);
    return found == services.end() ? nullptr : &found->second;
  }
  bool is_secret_name(std::string_view name) const;
};

/// "SecretAccessKey", "secret_access_key" → "secretaccesskey"
std::string plain_name(std::string_view name);

/// The text of `built_in` rules.
extern const std::string_view built_in_rules;

}  // namespace pod::metamodel
