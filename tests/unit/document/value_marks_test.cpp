#include "document/graph_builder.hpp"
#include "document/pickle.hpp"
#include "document/values.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

using namespace pod;
using namespace pod::document;

namespace {

GraphBuilder builder() { return GraphBuilder("", "test", {}); }

Value global(GraphBuilder& made, std::string_view module, std::string_view name) {
  const Value words[] = {made.copied(Kind::text, module), made.copied(Kind::text, name)};
  return made.add_node(Kind::global, words);
}

Value tuple(GraphBuilder& made, std::vector<Value> values) { return made.add_node(Kind::tuple, values); }

Value call(GraphBuilder& made, Value callable, std::vector<Value> values) {
  const Value parts[] = {callable, tuple(made, std::move(values))};
  return made.add_node(Kind::call, parts);
}

bool root_is_value(GraphBuilder& made, Value root) {
  const Graph graph = std::move(made).finish(root);
  return is_value_object(graph, graph.root());
}

}  // namespace

TEST_CASE("what calls of known makers give is a value object, and so are tuples of such") {
  GraphBuilder made = builder();
  const Value delta = call(made, global(made, "datetime", "timedelta"), {made.integer(1)});
  CHECK(root_is_value(made, tuple(made, {delta, delta, made.none()})));
}

TEST_CASE("a list inside, something done to it, or an unknown function makes it an object like others") {
  {
    GraphBuilder made = builder();
    CHECK_FALSE(root_is_value(made, tuple(made, {made.add_node(Kind::list, {})})));
  }
  {
    GraphBuilder made = builder();
    CHECK_FALSE(root_is_value(made, call(made, global(made, "datetime", "other"), {made.none(), made.none()})));
  }
  {
    GraphBuilder made = builder();
    const Value delta = call(made, global(made, "datetime", "timedelta"), {made.integer(1)});
    const Value state = made.integer(7);
    made.add_part(delta, Part::Act::state, std::span(&state, 1));
    CHECK_FALSE(root_is_value(made, delta));
  }
}

TEST_CASE("64 nodes and 1,024 bytes are the most that is written inline, counted each time they occur") {
  for (const std::size_t inside : {62u, 63u, 64u}) {
    GraphBuilder made = builder();
    const Value empty = tuple(made, {});
    CAPTURE(inside);
    CHECK(root_is_value(made, tuple(made, std::vector<Value>(inside, empty))) == (inside < 64));
  }
  for (const std::size_t length : {1023u, 1024u, 1025u, 100000u}) {
    GraphBuilder made = builder();
    const std::string text(length, 'x');
    CAPTURE(length);
    CHECK(root_is_value(made, tuple(made, {made.copied(Kind::text, text)})) == (length <= 1024));
  }
  // Sizes double at each level, far past what a counter holds.
  GraphBuilder made = builder();
  Value nested = tuple(made, {made.copied(Kind::text, "x")});
  for (int level = 0; level < 100; ++level) nested = tuple(made, {nested, nested});
  CHECK_FALSE(root_is_value(made, nested));
}

TEST_CASE("a UUID is one although its state is made after it, and though that leads back to it it ends") {
  const auto with_state = [](bool cycle) {
    GraphBuilder made = builder();
    const Value parts[] = {global(made, "uuid", "UUID"), tuple(made, {})};
    const Value uuid = made.add_node(Kind::object, parts);
    const Value state = made.add_node(Kind::dict, {});
    const Value safe = call(made, global(made, "uuid", "SafeUUID"), {made.integer(0)});
    const Value items[] = {made.copied(Kind::text, "int"), made.integer(5), made.copied(Kind::text, "is_safe"),
                           cycle ? tuple(made, {uuid}) : safe};
    made.add_part(state, Part::Act::items, items);
    made.add_part(uuid, Part::Act::state, std::span(&state, 1));
    return root_is_value(made, uuid);
  };
  CHECK(with_state(false));
  CHECK_FALSE(with_state(true));
}

TEST_CASE("names that are asked for again and again are known by number") {
  GraphBuilder made = builder();
  const Value setter = global(made, "pod_agent.restore", "set_raw");
  const Value weak = global(made, "pod_agent.restore", "weak_value_dict");
  const Value other = global(made, "moto.s3.models", "set_raw");
  const Graph graph = std::move(made).finish(setter);
  CHECK(known_name(graph, setter) == KnownName::set_raw);
  CHECK(known_name(graph, weak) == KnownName::weak);
  CHECK(known_name(graph, other) == KnownName::none);
  CHECK(known_name(graph, Value()) == KnownName::none);
  CHECK(is_value_object(graph, setter));
}

TEST_CASE("a growing vector keeps what it held") {
  Growing<int> grown;
  std::vector<int> more(1000);
  std::iota(more.begin(), more.end(), 0);
  for (int value = 0; value < 1000; ++value) grown.push_back(value);
  grown.append(more);
  REQUIRE(grown.size() == 2000);
  for (int at = 0; at < 2000; ++at) CHECK(grown[static_cast<std::size_t>(at)] == at % 1000);
  const Growing<int> moved = std::move(grown);
  CHECK(moved.size() == 2000);
  CHECK(moved[1999] == 999);
}
