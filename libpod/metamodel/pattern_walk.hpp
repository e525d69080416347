// Where a pattern leads in a tree.
#pragma once

#include "document/tree.hpp"
#include "metamodel/pattern.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::metamodel {

/// What a pattern came to: the value and the edge to it. For the pattern `.` there is no edge: `at_start`.
struct Hit {
  document::Value value;
  document::Value parent;
  document::Edge edge;
  bool at_start = false;
};

/// One thread at a time.
class PatternWalk {
 public:
  explicit PatternWalk(const document::Tree& tree) : tree_(&tree) {}

  using Visit = std::function<bool(const Hit&, const std::vector<std::string>& stars)>;
  using Variable = std::function<std::optional<std::string>(std::string_view name)>;

  /// Calls `visit` with each match, in the document's order, and with what the pattern's `*` stood for; until it says
  /// false. Cost: the edges on the way.
  void each(document::Value from, const Pattern& pattern, const Variable& variable, const Visit& visit);
  std::optional<Hit> first(document::Value from, const Pattern& pattern, const Variable& variable);
  /// How many matches.
  std::uint64_t count(document::Value from, const Pattern& pattern, const Variable& variable);

 private:
  struct Field {
    std::string_view name;
    document::Edge edge;
  };
  struct Going {
    const Pattern& pattern;
    const Variable& variable;
    const Visit& visit;
    std::size_t steps;                // to go
    std::vector<std::string>* stars;  // what they stand for, if anybody asks
  };
  bool go(const Going& going, const Hit& hit, std::size_t step);
  bool fits(const PatternStep& step, document::Value value) const;
  std::optional<document::Edge> find(document::Value value, std::string_view name, bool attribute_only);
  std::optional<document::Edge> place(document::Value value, std::int32_t index) const;
  std::string star_text(const document::Step& step) const;

  const document::Tree* tree_;
  // The fields of the values that were last asked for one: a resource is asked for many.
  struct Known {
    document::Value value;
    bool whole = false;
    std::vector<Field> fields;
  };
  const Known& known(document::Value value);
  std::array<Known, 2> known_;
  std::size_t oldest_ = 0;
};

}  // namespace pod::metamodel
