#include "document/tree.hpp"
#include "document/pickle.hpp"
#include "document/values.hpp"

#include "document/making.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <map>
#include <set>

using namespace making;
using pod::document::Edge;
using pod::document::Step;
using pod::document::Tree;

namespace {

/// Every path that leads somewhere by a home, with whether it is a reference; checks on the way that all read back.
std::map<std::string, bool> all_paths(const Tree& tree, std::size_t most = 100'000) {
  std::map<std::string, bool> paths;
  std::vector<Value> todo{tree.root()};
  while (!todo.empty()) {
    const Value value = todo.back();
    todo.pop_back();
    tree.edges(value, [&](const Edge& edge) {
      const std::string path = tree.path(value, edge);
      const bool reference = tree.is_reference(value, edge);
      CHECK_MESSAGE(paths.emplace(path, reference).second, "two edges are called " << path);
      const auto found = tree.find(path);
      CHECK_MESSAGE((found && *found == edge.target), path << " does not read back");
      if (!reference && !tree.is_leaf(edge.target)) {
        CHECK(tree.path(edge.target) == path);
        todo.push_back(edge.target);
      }
      return paths.size() < most;
    });
  }
  return paths;
}

std::vector<std::string> names(const Tree& tree, Value value) {
  std::vector<std::string> out;
  tree.edges(value, [&](const Edge& edge) { return out.push_back(tree.step_text(edge.step)), true; });
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a node is at home where the shortest way leads, and every other way is a reference") {
  Maker make;
  const Value dead = make.object("Queue", {{"name", make.text("orders-dlq")}});
  const Value orders = make.object("Queue", {{"dead_letter_queue", dead}, {"messages", make.list({make.text("a")})}});
  const Value root = make.dict({{"queues", make.dict({{"orders", orders}, {"orders-dlq", dead}})}});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  CHECK(tree.path(dead) == "/queues/orders-dlq");
  CHECK(tree.path(root) == "");
  const auto paths = all_paths(tree);
  CHECK(paths.at("/queues/orders/@dead_letter_queue"));
  CHECK_FALSE(paths.at("/queues/orders-dlq"));
  CHECK_FALSE(paths.at("/queues/orders/@messages/0"));
  CHECK(paths.size() == 7);
}

TEST_CASE("every kind of edge has its name, and reads back") {
  Maker make;
  const Value thing = make.blank("Thing");
  const Value call = make.call("somewhere", "make", {make.text("a"), make.list()});
  make.set_state(call, make.text("no dict"));
  const Value odd = make.call("other", "effect", {thing, make.list()});
  make.builder.add_part(thing, Part::Act::effect, std::span(&odd, 1));
  const Value root = make.dict_of({{make.text("plain"), make.none()},
                                   {make.text(""), make.none()},
                                   {make.text("a/b~c"), make.none()},
                                   {make.text("@at"), make.none()},
                                   {make.text("#5"), make.none()},
                                   {make.text("%5"), make.none()},
                                   {make.text("000000000000"), make.none()},
                                   {make.text("tab\there"), make.none()},
                                   {make.text("\xed\xa0\x80"), make.none()},
                                   {make.number(5), make.none()},
                                   {make.number(-7), make.none()},
                                   {make.bytes("key"), make.none()},
                                   {make.tuple({make.text("a"), make.number(1)}), make.none()},
                                   {make.text("call"), call},
                                   {make.text("thing"), thing},
                                   {make.text("set"), make.set({make.text("a"), make.text("b")})}});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  const auto paths = all_paths(tree);
  const Names expected = {"/plain",        "/",           "/a~2fb~7ec", "/~40at", "/~235", "/~255",
                          "/000000000000", "/tab~09here", "/~ed~a0~80", "/#5",    "/#-7"};
  const Names given = names(tree, root);
  CHECK(Names(given.begin(), given.begin() + 11) == expected);
  CHECK(given[11].size() == 18);
  CHECK(given[11].starts_with("/%"));
  CHECK(given[12].starts_with("/%"));
  CHECK(given[11] != given[12]);
  CHECK(names(tree, call) == Names{"/!0", "/!1", "/&state"});
  CHECK(names(tree, thing) == Names{"/&effect"});
  CHECK(paths.size() == 16 + 3 + 1 + 2);
}

TEST_CASE("a long key is written by its digest, so that paths stay short") {
  Maker make;
  const std::string fits(1024, 'k');
  const std::string longer(1 << 20, 'k');
  const Value root = make.dict({{fits, make.dict()}, {longer, make.list({make.list()})}});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  for (const auto& [path, reference] : all_paths(tree)) CHECK(path.size() < 1100);
  CHECK(tree.key(root, fits));
}

TEST_CASE("items and attributes of the agent's setters are the object's own") {
  Maker make;
  const Value store = make.blank("Versions");
  make.apply(store, "set_raw",
             make.tuple({make.dict({{"k", make.list()}}), make.dict({{"size", make.number(2)}}), make.none()}));
  const Value defaults = make.blank("Defaults");
  make.apply(defaults, "set_raw",
             make.tuple({make.dict(), make.none(), make.call("pod_agent.restore", "factory", {make.text("list")})}));
  const Value stack = make.blank("Stack");
  make.apply(stack, "set_raw", make.tuple({make.list({make.text("a"), make.text("b")}), make.none(), make.none()}));
  const Value key = make.blank("FakeKey");
  make.apply(key, "set_key", make.tuple({make.dict({{"name", make.text("o1")}}), make.bytes("body")}));
  const Value job = make.blank("Job");
  make.apply(job, "set_thread", make.dict({{"status", make.text("done")}}));
  const Value root = make.list({store, defaults, stack, key, job});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  CHECK(names(tree, store) == Names{"/k", "/@size"});
  CHECK(names(tree, defaults) == Names{"/&set_raw"});
  CHECK(names(tree, stack) == Names{"/0", "/1"});
  CHECK(names(tree, key) == Names{"/@name", "/&set_key"});
  CHECK(names(tree, job) == Names{"/@status"});
  CHECK(tree.item_count(store) == 1);
  CHECK(graph.text(*tree.attribute(job, "status")) == "done");
  CHECK(graph.text(*tree.find("/3/@name")) == "o1");
  all_paths(tree);
}

TEST_CASE("a state of attributes and slots is attributes") {
  Maker make;
  const Value both = make.blank("Both");
  make.set_state(both, make.tuple({make.dict({{"a", make.number(1)}}), make.dict({{"b", make.number(2)}})}));
  const Value slots = make.blank("Slots");
  make.set_state(slots, make.tuple({make.none(), make.dict({{"c", make.number(3)}})}));
  const Value counter = make.call("collections", "Counter", {make.dict({{"hits", make.number(9)}})});
  const Value root = make.list({both, slots, counter});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  CHECK(names(tree, both) == Names{"/@a", "/@b"});
  CHECK(names(tree, slots) == Names{"/@c"});
  CHECK(names(tree, counter) == Names{"/hits"});
  all_paths(tree);
}

TEST_CASE("of a key given twice the last counts; equal members are told apart") {
  Maker make;
  const Value root = make.dict({{"a", make.number(1)}, {"b", make.number(2)}, {"a", make.list({make.number(3)})}});
  const Value twins = make.set({make.text("same"), make.text("same"), make.text("other")});
  make.add_item(root, "set", twins);
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  CHECK(names(tree, root) == Names{"/b", "/a", "/set"});
  CHECK(tree.edge_count(root) == 3);
  CHECK(tree.key(root, "a")->kind() == Kind::list);
  const Names members = names(tree, twins);
  CHECK(members[1] == members[0] + "+2");
  all_paths(tree);
}

TEST_CASE("objects as keys are told apart, and can be looked into") {
  Maker make;
  const auto item = [&](std::string_view value) {
    return make.object("DynamoType", {{"type", make.text("S")}, {"value", make.text(value)}});
  };
  const Value root =
      make.dict_of({{item("a"), make.number(1)}, {item("b"), make.number(2)}, {item("a"), make.number(3)}});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  CHECK(tree.item_count(root) == 3);
  const Names given = names(tree, root);
  CHECK(given == Names{"/=S:a", "/=S:b", "/=S:a+2"});
  all_paths(tree);
}

TEST_CASE("larger objects as keys are written by their digest, and can be looked into") {
  Maker make;
  const auto item = [&](std::int64_t id, std::string_view value) {
    return make.object("Thing", {{"id", make.number(id)}, {"value", make.text(value)}, {"more", make.list()}});
  };
  const Value root =
      make.dict_of({{item(1, "a"), make.number(1)}, {item(2, "a"), make.number(2)}, {item(1, "b"), make.number(3)}});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  const Names given = names(tree, root);
  REQUIRE(given.size() == 6);
  CHECK(given[0] == "/&key");
  CHECK(given[1] != given[3]);
  // One id is one thing, whatever else it says.
  CHECK(given[5] == given[1] + "+2");
  CHECK(graph.integer(*tree.find("/&key+2/@id")) == 2);
  all_paths(tree);
}

TEST_CASE("elements beside keys are not taken for keys") {
  Maker make;
  const Value both = make.blank("Both");
  make.add_items(both, {{"0", make.text("key")}});
  const Value element = make.text("element");
  make.builder.add_part(both, Part::Act::append, std::span(&element, 1));
  const Graph graph = make.finish(both);
  const Tree tree(graph);
  CHECK(names(tree, both) == Names{"/0", "/&append"});
  CHECK(graph.text(*tree.find("/0")) == "key");
}

TEST_CASE("weak references are followed last") {
  Maker make;
  const Value held = make.object("Held", {});
  const Value weak = make.call("pod_agent.restore", "weak", {held});
  const Value only_weak = make.object("Loose", {});
  const Value root = make.dict({{"weak", weak},
                                {"loose", make.call("pod_agent.restore", "weak", {only_weak})},
                                {"a", make.dict({{"b", make.dict({{"c", held}})}})}});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  CHECK(tree.path(held) == "/a/b/c");
  CHECK(tree.path(only_weak) == "/loose/!0");
  CHECK(all_paths(tree).at("/weak/!0"));
}

TEST_CASE("values, globals and persistent ids are everywhere at home") {
  Maker make;
  const Value kind = make.global("moto.models", "Queue");
  const Value backend = make.persistent({"backend", "s3", "123456789012", "global"});
  const Value pair = make.tuple({make.text("a"), make.text("b")});
  const Value root = make.list({kind, kind, backend, backend, pair, pair});
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  for (const auto& [path, reference] : all_paths(tree)) CHECK_FALSE(reference);
  CHECK(tree.is_leaf(kind));
  CHECK(tree.is_leaf(backend));
  CHECK(tree.is_leaf(pair));
}

namespace {

/// A service's state with two queues, of which one is the other's dead letter queue; `change` adds what is unrelated.
Graph world(const std::function<void(Maker&, Value root, Value queues)>& change) {
  Maker make;
  const Value queues = make.dict();
  const Value root = make.dict({{"region", make.text("eu-west-1")}});
  change(make, root, queues);
  const Value shared = make.list({make.text("shared")});
  const Value dead = make.object("Queue", {{"name", make.text("dead")}, {"tags", shared}});
  const Value orders = make.object(
      "Queue", {{"redrive", dead}, {"tags", shared}, {"seen", make.set({make.text("m1"), make.text("m2")})}});
  make.add_item(root, "queues", queues);
  make.add_items(queues, {{"orders", orders}, {"dead", dead}});
  return make.finish(root);
}

}  // namespace

TEST_CASE("paths stay when unrelated things change") {
  const Graph before = world([](Maker&, Value, Value) {});
  const Tree tree(before);
  const auto expected = all_paths(tree);
  const std::function<void(Maker&, Value, Value)> changes[] = {
      [](Maker& make, Value root, Value) {
        make.add_item(root, "another", make.dict({{"deep", make.list({make.dict()})}}));
      },
      [](Maker& make, Value, Value queues) {
        make.add_item(queues, "first", make.object("Queue", {{"name", make.text("first")}}));
      },
      [](Maker& make, Value root, Value queues) {
        make.add_item(root, "alias", make.tuple({queues, queues}));
      },
      [](Maker& make, Value root, Value) { make.add_item(root, "lock", make.call("pod_agent.restore", "lock", {})); },
  };
  for (const auto& change : changes) {
    const Graph after = world(change);
    const Tree changed(after);
    const auto paths = all_paths(changed);
    for (const auto& entry : expected) {
      const std::string& path = entry.first;
      const auto& reference = entry.second;
      CHECK_MESSAGE(paths.contains(path), path << " is gone");
      if (paths.contains(path)) CHECK_MESSAGE(paths.at(path) == reference, path << " moved");
    }
    CHECK(changed.subtree_digest(*changed.find("/queues/orders")) == tree.subtree_digest(*tree.find("/queues/orders")));
    CHECK(changed.subtree_digest(changed.root()) != tree.subtree_digest(tree.root()));
  }
}

TEST_CASE("a digest says what lies below, in whatever order dicts and sets were written") {
  const auto digest = [](const std::function<Value(Maker&)>& build) {
    Maker make;
    const Value root = build(make);
    const Graph graph = make.finish(root);
    return Tree(graph).subtree_digest(graph.root());
  };
  const auto one = digest([](Maker& m) {
    return m.dict({{"a", m.list({m.number(1), m.number(2)})}, {"b", m.set({m.text("x"), m.text("y")})}});
  });
  CHECK(one.size() == 32);
  CHECK(one == digest([](Maker& m) {
          return m.dict({{"b", m.set({m.text("y"), m.text("x")})}, {"a", m.list({m.number(1), m.number(2)})}});
        }));
  CHECK(one != digest([](Maker& m) {
          return m.dict({{"b", m.set({m.text("y"), m.text("x")})}, {"a", m.list({m.number(2), m.number(1)})}});
        }));
  CHECK(one != digest([](Maker& m) {
          return m.dict({{"a", m.list({m.number(1), m.number(2)})}, {"b", m.set({m.text("x"), m.bytes("y")})}});
        }));
  const auto frozen = [](Maker& m, const char* a, const char* b) {
    const Value members[] = {m.text(a), m.text(b)};
    return m.builder.add_node(Kind::frozen_set, members);
  };
  CHECK(digest([&](Maker& m) { return m.list({frozen(m, "a", "b")}); }) ==
        digest([&](Maker& m) { return m.list({frozen(m, "b", "a")}); }));
  CHECK(digest([&](Maker& m) { return m.list({frozen(m, "a", "b")}); }) !=
        digest([&](Maker& m) { return m.list({frozen(m, "a", "c")}); }));
  // The same list twice is not two equal lists.
  CHECK(digest([](Maker& m) {
          const Value l = m.list();
          return m.dict({{"a", l}, {"b", l}});
        }) != digest([](Maker& m) {
          return m.dict({{"a", m.list()}, {"b", m.list()}});
        }));
  CHECK(digest([](Maker& m) {
          return m.object("A", {{"x", m.none()}});
        }) != digest([](Maker& m) {
          return m.object("B", {{"x", m.none()}});
        }));
}

TEST_CASE("a home does not depend on the order in which dicts and sets were written") {
  const auto path = [](bool turned) {
    Maker make;
    const Value shared = make.list();
    const Value one = make.object("Member", {{"id", make.number(1)}, {"shared", shared}});
    const Value two = make.object("Member", {{"id", make.number(2)}, {"shared", shared}});
    const Value set = turned ? make.set({one, two}) : make.set({two, one});
    const Value root = turned ? make.dict({{"a", make.list({shared})}, {"set", set}})
                              : make.dict({{"set", set}, {"a", make.list({shared})}});
    const Graph graph = make.finish(root);
    const Tree tree(graph);
    return tree.path(shared) + tree.path(one) + tree.path(two) + tree.subtree_digest(root);
  };
  CHECK(path(true) == path(false));
}

TEST_CASE("cycles have an end") {
  Maker make;
  const Value root = make.dict();
  const Value child = make.object("Child", {{"parent", root}});
  make.add_item(root, "child", child);
  make.add_item(root, "self", root);
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  const auto paths = all_paths(tree);
  CHECK(paths.at("/child/@parent"));
  CHECK(paths.at("/self"));
  CHECK(tree.subtree_digest(root).size() == 32);
}

TEST_CASE("what is shared by many is walked once") {
  Maker make;
  const Value state = make.dict();
  for (int at = 0; at < 2000; ++at) make.add_item(state, "attribute" + std::to_string(at), make.none());
  const Value items = make.list();
  for (int at = 0; at < 2000; ++at) {
    const Value none = make.none();
    make.builder.add_part(items, Part::Act::append, std::span(&none, 1));
  }
  const Value root = make.list();
  for (int at = 0; at < 2000; ++at) {
    const Value node = make.blank("Sharer");
    make.set_state(node, state);
    make.apply(node, "set_raw", make.tuple({items, state, make.none()}));
    make.builder.add_part(root, Part::Act::append, std::span(&node, 1));
  }
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  std::size_t edges = tree.edge_count(root);
  tree.edges(root, [&](const Edge& edge) { return edges += tree.edge_count(edge.target), true; });
  CHECK(edges < 20'000);
  CHECK(tree.find("/0/@attribute7"));
  CHECK(tree.find("/1/&state"));
  all_paths(tree);
}

TEST_CASE("a large dict is searched without walking it each time") {
  Maker make;
  const Value root = make.dict();
  constexpr int count = 100'000;
  for (int at = 0; at < count; ++at) make.add_item(root, "key-" + std::to_string(at), make.number(at));
  const Graph graph = make.finish(root);
  const Tree tree(graph);
  const auto start = std::chrono::steady_clock::now();
  for (int at = 0; at < count; ++at) {
    const auto found = tree.find("/key-" + std::to_string(at));
    REQUIRE(found);
    REQUIRE(graph.integer(*found) == at);
  }
  // Walking it would take 5,000,000,000 steps.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  CHECK_FALSE(tree.find("/key-100000"));
  CHECK_FALSE(tree.key(root, "other"));
}

TEST_CASE("a path that leads nowhere finds nothing") {
  Maker make;
  const Graph graph = make.finish(make.dict({{"a", make.list({make.none()})}}));
  const Tree tree(graph);
  for (const char* path : {"a", "/b", "/a/1", "/a/0/x", "/a/", "/a/00", "/a/+0", "/a/@", "/~61", "/~", "/%", "/&",
                           "/!0", "/#", "/&items", "/a//0"})
    CHECK_MESSAGE(!tree.find(path), path);
  CHECK(tree.find("/a/0"));
  CHECK(*tree.find("") == tree.root());
}

TEST_CASE("a tuple that something was done to is no value, and what was done to it leads nowhere without end") {
  // (1,) and a call that was given it and dropped.
  const pod::document::Graph graph = pod::document::read_pickle("I1\n\x85p1\ncmoto.x\nnote\ng1\n\x85R0g1\n.", "test");
  CHECK(!pod::document::is_value_object(graph, graph.root()));
  const Tree tree(graph);
  CHECK(tree.subtree_digest(tree.root()).size() == 32);
  CHECK(all_paths(tree).size() >= 1);
}
