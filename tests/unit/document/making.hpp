// Short ways to make graphs by hand.
#pragma once

#include "document/graph_builder.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace making {

using pod::document::Graph;
using pod::document::GraphBuilder;
using pod::document::Kind;
using pod::document::Part;
using pod::document::Value;

using Pair = std::pair<Value, Value>;
using Named = std::pair<std::string_view, Value>;

class Maker {
 public:
  Value text(std::string_view text) { return builder.copied(Kind::text, text); }
  Value bytes(std::string_view bytes) { return builder.copied(Kind::bytes, bytes); }
  Value number(std::int64_t number) { return builder.integer(number); }
  Value none() { return builder.none(); }
  Value tuple(std::initializer_list<Value> values) { return builder.add_node(Kind::tuple, span(values)); }
  Value list(std::initializer_list<Value> values = {}) {
    return with(builder.add_node(Kind::list, {}), Part::Act::append, values);
  }
  Value set(std::initializer_list<Value> values = {}) {
    return with(builder.add_node(Kind::set, {}), Part::Act::add, values);
  }
  Value dict(std::initializer_list<Named> items = {}) {
    const Value node = builder.add_node(Kind::dict, {});
    add_items(node, items);
    return node;
  }
  Value dict_of(std::initializer_list<Pair> items) {
    const Value node = builder.add_node(Kind::dict, {});
    for (const auto& [key, value] : items) {
      const Value pair[] = {key, value};
      builder.add_part(node, Part::Act::items, pair);
    }
    return node;
  }
  void add_items(Value node, std::initializer_list<Named> items) {
    for (const auto& [name, value] : items) add_item(node, name, value);
  }
  void add_item(Value node, std::string_view name, Value value) {
    const Value pair[] = {text(name), value};
    builder.add_part(node, Part::Act::items, pair);
  }
  Value global(std::string_view module, std::string_view name) {
    const Value names[] = {text(module), text(name)};
    return builder.add_node(Kind::global, names);
  }
  Value call(std::string_view module, std::string_view name, std::initializer_list<Value> arguments) {
    const Value parts[] = {global(module, name), tuple(arguments)};
    return builder.add_node(Kind::call, parts);
  }
  Value blank(std::string_view name) {
    const Value parts[] = {global("moto.models", name), tuple({})};
    return builder.add_node(Kind::object, parts);
  }
  Value object(std::string_view name, std::initializer_list<Named> attributes) {
    const Value node = blank(name);
    set_state(node, dict(attributes));
    return node;
  }
  void set_state(Value node, Value state) { builder.add_part(node, Part::Act::state, std::span(&state, 1)); }
  /// As `setter(node, state)`, whose result is dropped.
  void apply(Value node, std::string_view setter, Value state) {
    const Value effect = call("pod_agent.restore", setter, {node, state});
    builder.add_part(node, Part::Act::effect, std::span(&effect, 1));
  }
  Value persistent(std::initializer_list<std::string_view> words) {
    std::vector<Value> texts;
    for (const std::string_view word : words) texts.push_back(text(word));
    const Value id = builder.add_node(Kind::tuple, texts);
    return builder.add_node(Kind::persistent, std::span(&id, 1));
  }
  Graph finish(Value root) { return std::move(builder).finish(root); }

  GraphBuilder builder{"", "made by hand", {}};

 private:
  static std::span<const Value> span(std::initializer_list<Value> values) { return {values.begin(), values.size()}; }
  Value with(Value node, Part::Act act, std::initializer_list<Value> values) {
    if (values.size() > 0) builder.add_part(node, act, span(values));
    return node;
  }
};

}  // namespace making
