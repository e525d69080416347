#include "merge/document_diff.hpp"

#include "document/document.hpp"
#include "document/values.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>

using namespace pod;
using namespace pod::merge;

namespace {

struct Doc {
  explicit Doc(std::string text, document::Format format = document::Format::json)
      : graph(document::read(std::move(text), format, "test")), tree(graph) {}
  Side whole() const { return {tree, graph.root()}; }
  document::Graph graph;
  document::Tree tree;
};

/// One line a field: "~ /path 1 → 2", "+ /path 2", "- /path 1".
std::string shown(const Doc& before, const Doc& after, const DiffRequest& request = {}) {
  const DocumentDiff diff = diff_documents(before.whole(), after.whole(), request);
  std::string out;
  const auto text = [](const Doc& doc, const FieldDifference::Place& place) {
    return place.reference ? "→" + doc.tree.path(place.value) : document::render(doc.graph, place.value);
  };
  for (const FieldDifference& field : diff.fields) {
    out += field.kind == FieldDifference::Kind::added     ? "+ "
           : field.kind == FieldDifference::Kind::removed ? "- "
                                                          : "~ ";
    out += field.path;
    if (field.before) out += " " + text(before, *field.before);
    if (field.after) out += " " + text(after, *field.after);
    out += '\n';
  }
  if (diff.more > 0) out += std::to_string(diff.more) + " more\n";
  return out;
}
std::string shown(const std::string& before, const std::string& after, const DiffRequest& request = {}) {
  return shown(Doc(before), Doc(after), request);
}

std::string pickle(const std::string& body) { return "\x80\x04" + body + "."; }

}  // namespace

TEST_CASE("equal documents have no differences, in whatever order their keys stand") {
  CHECK(shown(R"({"a": 1, "b": [1, 2, {"c": null}]})", R"({"b": [1, 2, {"c": null}], "a": 1})") == "");
  CHECK(shown("7", "7") == "");
}

TEST_CASE("keys are added, removed and changed by name") {
  CHECK(shown(R"({"a": 1, "b": {"c": "x", "gone": true}, "d": 1})", R"({"a": 2, "b": {"c": "y"}, "e": [1, 2]})") ==
        "~ /a 1 2\n~ /b/c \"x\" \"y\"\n- /b/gone true\n+ /e list of 2\n- /d 1\n");
  CHECK(shown("1", "\"1\"") == "~  1 \"1\"\n");
}

TEST_CASE("a change of kind is one change") {
  CHECK(shown(R"({"a": {"x": 1}})", R"({"a": [1]})") == "~ /a dict of 1 list of 1\n");
  CHECK(shown(R"({"a": 1})", R"({"a": 1.0})").starts_with("~ /a 1"));
}

TEST_CASE("elements of lists are matched by what identifies them") {
  CHECK(shown(R"([{"id": "a", "v": 1}, {"id": "b", "v": 1}])", R"([{"id": "b", "v": 2}, {"id": "a", "v": 1}])") ==
        "~ /0/v 1 2\n");
  CHECK(shown(R"([{"Name": "a"}, {"Name": "b"}])", R"([{"Name": "a"}, {"Name": "c"}])") ==
        "- /1 dict of 1\n+ /1 dict of 1\n");
}

TEST_CASE("elements without identity are matched by content") {
  CHECK(shown("[1, 2, 3, 4]", "[1, 3, 4]") == "- /1 2\n");
  CHECK(shown("[1, 2, 3]", "[0, 1, 2, 3]") == "+ /0 0\n");
  CHECK(shown(R"([{"v": 1}, {"v": 2}])", R"([{"v": 1}, {"v": 3}])") == "~ /1/v 2 3\n");
  // No identity, since two share it.
  CHECK(shown(R"([{"id": "a"}, {"id": "a"}])", R"([{"id": "a"}])") == "- /1 dict of 1\n");
}

TEST_CASE("members of sets are compared by content") {
  // {1, 2} and {2, 3}
  const Doc before(pickle("\x8f(K\x01K\x02\x90"), document::Format::pickle);
  const Doc after(pickle("\x8f(K\x03K\x02\x90"), document::Format::pickle);
  const DocumentDiff diff = diff_documents(before.whole(), after.whole());
  REQUIRE(diff.fields.size() == 2);
  CHECK(diff.fields[0].kind == FieldDifference::Kind::added);
  CHECK(diff.fields[1].kind == FieldDifference::Kind::removed);
}

TEST_CASE("what is shared is compared once, where it is at home") {
  // {"a": [1], "b": the same list}
  const auto with_memo = [](char number) {
    std::string text = std::string(
                           "\x80\x04}(\x8c\x01"
                           "a]\x94K") +
                       number +
                       "a\x8c\x01"
                       "bh";
    text += '\0';
    return text + "u.";
  };
  const Doc before(with_memo(1), document::Format::pickle);
  const Doc after(with_memo(2), document::Format::pickle);
  CHECK(shown(before, after) == "~ /a/0 1 2\n");
}

TEST_CASE("what somebody else compares is left out, and no more is named than asked for") {
  CHECK(shown(R"({"a": {"b": 1}, "c": 1})", R"({"a": {"b": 2}, "c": 2})",
              {.skip = [](std::string_view path) { return path == "/a"; }}) == "~ /c 1 2\n");
  CHECK(shown(R"({"a": 1, "b": 1, "c": 1})", R"({"a": 2, "b": 2, "c": 2})", {.limit = 1}) == "~ /a 1 2\n2 more\n");
}

TEST_CASE("long lists in which everything changed end soon") {
  std::string before = "[";
  std::string after = "[";
  for (int i = 0; i < 60'000; ++i) {
    before += (i ? "," : "") + std::to_string(i);
    after += (i ? "," : "") + std::to_string(-i - 1);
  }
  const auto start = std::chrono::steady_clock::now();
  const Doc a(before + "]");
  const Doc b(after + "]");
  const DocumentDiff diff = diff_documents(a.whole(), b.whole(), {.limit = 10});
  CHECK(diff.fields.size() == 10);
  CHECK(diff.more == 59'990);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("one change deep in much that is the same is named, and each pair of nodes is walked once") {
  // Nested so deep that walking again at each level would take minutes.
  const auto nested = [](int value) {
    std::string text = std::to_string(value);
    for (int level = 0; level < 5000; ++level)
      text = R"({"same": [1, {"b": 2}], "next": )" + text + R"(, "last": {"c": null}})";
    return text;
  };
  const Doc before(nested(1));
  const Doc after(nested(2));
  const DocumentDiff diff = diff_documents(before.whole(), after.whole());
  REQUIRE(diff.fields.size() == 1);
  CHECK(diff.more == 0);
  CHECK(diff.fields[0].path.size() == 5000 * std::string_view("/next").size());
}

TEST_CASE("the same keys in another order, deep in a document, are no difference") {
  CHECK(shown(R"({"a": {"x": 1, "y": {"z": [1]}}, "b": 3})", R"({"b": 3, "a": {"y": {"z": [1]}, "x": 1}})") == "");
}
