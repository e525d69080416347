#include "document/pickle.hpp"
#include "document/values.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace pod::document;

namespace {

template <std::size_t Size>
std::string raw(const char (&text)[Size]) {
  return {text, Size - 1};
}

Graph read(const std::string& pickle, const Limits& limits = {}) { return read_pickle(pickle, "test", limits); }

/// The error that reading gives.
pod::Error error_of(const std::string& pickle, const Limits& limits = {}) {
  try {
    read(pickle, limits);
  } catch (const pod::Error& error) {
    return error;
  }
  FAIL("it was read");
  return {pod::ErrorCode::internal, ""};
}

bool is_corrupt(const std::string& pickle, std::string_view text = {}) {
  const pod::Error error = error_of(pickle);
  return error.code() == pod::ErrorCode::corrupt && error.message().find(text) != std::string::npos;
}

bool is_refused(const std::string& pickle, const Limits& limits) {
  return error_of(pickle, limits).code() == pod::ErrorCode::refused;
}

std::vector<Value> elements(const Graph& graph, Value list) {
  std::vector<Value> out;
  for (const Part& part : graph.parts(list))
    if (part.act == Part::Act::append) out.insert(out.end(), part.values.begin(), part.values.end());
  return out;
}

}  // namespace

TEST_CASE("every atom reads as what it is, whatever protocol wrote it") {
  const Graph graph = read(raw(
      "(NI00\nI01\n\x88\x89I-5\nL7L\nK\xffM\xff\xffJ\xff\xff\xff\xff\x8a\x00\x8a\x01\xff\x8b\x01\x00\x00\x00\x05l."));
  const auto found = elements(graph, graph.root());
  REQUIRE(found.size() == 13);
  CHECK(found[0].kind() == Kind::none);
  CHECK_FALSE(graph.boolean(found[1]));
  CHECK(graph.boolean(found[2]));
  CHECK(graph.boolean(found[3]));
  CHECK_FALSE(graph.boolean(found[4]));
  const std::vector<std::int64_t> numbers{-5, 7, 255, 65535, -1, 0, -1, 5};
  for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(graph.integer(found[5 + i]) == numbers[i]);
}

TEST_CASE("numbers at the edges of 58 and 64 bits are what they were") {
  for (const std::int64_t value : {std::int64_t{1} << 57, (std::int64_t{1} << 57) - 1, -(std::int64_t{1} << 57),
                                   -(std::int64_t{1} << 57) - 1, INT64_MAX, INT64_MIN}) {
    const Graph graph = read("I" + std::to_string(value) + "\n.");
    REQUIRE(graph.root().kind() == Kind::integer);
    CHECK(graph.integer(graph.root()) == value);
  }
  const Graph graph = read("I9223372036854775808\n.");
  CHECK(graph.root().kind() == Kind::big_integer);
  CHECK(graph.bytes(graph.root()) == raw("\x00\x00\x00\x00\x00\x00\x00\x80\x00"));
  // as many bytes as they like
  CHECK(read(raw("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff.")).root().kind() == Kind::integer);
}

TEST_CASE("texts of protocol 0 have their escapes undone") {
  const Graph unicode = read("V\\u00e4\\U0001f600\\\\u\n.");
  CHECK(unicode.text(unicode.root()) == "\xc3\xa4\xf0\x9f\x98\x80\\\\u");
  const Graph bytes = read("S'a\\x00\\n\\101\\q'\n.");
  CHECK(bytes.bytes(bytes.root()) == raw("a\0\nA\\q"));
  CHECK(bytes.root().kind() == Kind::byte_text);
  CHECK(is_corrupt("S'open\n.", "STRING"));
  CHECK(is_corrupt("V\\u12\n."));
}

TEST_CASE("what was remembered is the same object, atoms stay where they stand in the file") {
  const Graph graph = read(raw("(]q\x05h\x05Vx\nl."));
  const auto found = elements(graph, graph.root());
  CHECK(found[0] == found[1]);
  CHECK(graph.text(found[2]).data() != graph.file().data());
  const std::string binary =
      raw("\x80\x04\x8c\x03"
          "abc.");
  const Graph here = read(binary);
  CHECK(here.text(here.root()).data() == here.file().data() + 4);
}

TEST_CASE("MEMOIZE takes the slot whose number is the count of slots in use, as Python does") {
  // slot 1 is set first; MEMOIZE then writes slot 1 again, not slot 0
  const Graph graph = read(raw("\x80\x04(K\x07q\x01K\x09\x94h\x01l."));
  CHECK(graph.integer(elements(graph, graph.root())[2]) == 9);
  CHECK(is_corrupt(raw("\x80\x04(K\x07q\x01K\x09\x94h\x00l."), "slot 0"));
}

TEST_CASE("a far slot costs nothing, and is found") {
  const Graph graph = read(raw("(]r\xff\xff\xff\xffj\xff\xff\xff\xffl."));
  const auto found = elements(graph, graph.root());
  CHECK(found[0] == found[1]);
}

TEST_CASE("nothing reaches below a mark") {
  CHECK(is_corrupt("N(a.", "APPEND"));
  CHECK(is_corrupt("](."));
  CHECK(is_corrupt("e."));
  CHECK(is_corrupt("]N(u."));  // the target of SETITEMS is no dict
  CHECK(is_corrupt("(((e."));  // a mark is no target
  CHECK(is_corrupt("N(s."));
  CHECK(read("N(0.").root().kind() == Kind::none);  // POP takes the mark itself
}

TEST_CASE("calls and objects are nodes with what they were given, nothing is called") {
  const Graph graph =
      read(raw("\x80\x02"
               "cos\nsystem\nVtrue\n\x85R."));
  REQUIRE(graph.root().kind() == Kind::call);
  CHECK(global_name(graph, graph.arguments(graph.root())[0]) == ClassName{"os", "system"});
  const Graph object =
      read(raw("\x80\x04\x8c\x06moto.x\x8c\x05Thing\x93)}\x92}\x8c\x01"
               "aK\x01sb."));
  REQUIRE(object.root().kind() == Kind::object_kw);
  CHECK(class_of(object, object.root()) == ClassName{"moto.x", "Thing"});
  CHECK((*object.parts(object.root()).begin()).act == Part::Act::state);
  CHECK(class_of(read("(I1\nimoto.x\nThing\n."), read("(I1\nimoto.x\nThing\n.").root()) ==
        ClassName{"moto.x", "Thing"});
}

TEST_CASE("a call whose result is dropped belongs to the object that it was given first") {
  const Graph graph = read(raw("\x80\x04]\x94(cos\nremove\nh\x00\x85R1."));
  REQUIRE(graph.root().kind() == Kind::list);
  CHECK((*graph.parts(graph.root()).begin()).act == Part::Act::effect);
  CHECK(graph.loose_effects().empty());
  CHECK(read(raw("\x80\x04"
                 "cos\nremove\nVfile\n\x85R0N."))
            .loose_effects()
            .size() == 1);
  CHECK(read(raw("\x80\x04"
                 "cos\nremove\nVfile\n\x85RN."))
            .loose_effects()
            .size() == 1);  // left on the stack
}

TEST_CASE("a call that the document has elsewhere was not made for what it does, and was made once") {
  // Dropped beside the root, which it is; dropped after a list took it; dropped twice.
  const auto effects = [](const std::string& pickle) {
    const Graph graph = read(pickle);
    std::size_t count = graph.loose_effects().size();
    for (pod::document::NodeId id = 0; id < graph.node_count(); ++id)
      for (const Part& part : graph.parts(graph.node(id))) count += part.act == Part::Act::effect ? 1 : 0;
    return count;
  };
  CHECK(effects("]p1\ncos\nremove\ng1\n\x85R2.") == 0);
  CHECK(effects("]cos\nremove\nVfile\n\x85Rp2\nag2\n0.") == 0);
  CHECK(effects("]p1\ncos\nremove\ng1\n\x85R20a.") == 0);
  CHECK(effects("]p1\ncos\nremove\ng1\n\x85Rp2\n0g2\n0.") == 1);
}

TEST_CASE("one name is one object, and names of Python 2 are those of Python 3") {
  const Graph graph =
      read("(c__builtin__\nset\nc__builtin__\nset\nccopy_reg\n_reconstructor\nc__builtin__\nunicode\nl.");
  const auto found = elements(graph, graph.root());
  CHECK(found[0] == found[1]);
  CHECK(global_name(graph, found[0]) == ClassName{"builtins", "set"});
  CHECK(global_name(graph, found[2]) == ClassName{"copyreg", "_reconstructor"});
  CHECK(global_name(graph, found[3]) == ClassName{"builtins", "str"});
  const Graph later =
      read(raw("\x80\x03"
               "c__builtin__\nset\n."));
  CHECK(global_name(later, later.root()) == ClassName{"__builtin__", "set"});
}

TEST_CASE("what follows STOP is told, not read") {
  const std::string two = "N.cos\nsystem\n.";
  const Graph graph = read(two);
  CHECK(graph.end() == 2);
  CHECK(graph.end() < graph.file().size());
  CHECK(graph.node_count() == 0);
}

TEST_CASE("an error names the document, the place and the opcode") {
  const pod::Error error = error_of(raw("\x80\x04]\x94h\x07."));
  CHECK(error.message().find("test") != std::string::npos);
  CHECK(error.message().find("byte 4 (BINGET)") != std::string::npos);
  CHECK(error.message().find("slot 7") != std::string::npos);
}

TEST_CASE("a file that is cut anywhere is no pickle") {
  const std::string whole =
      raw("\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01"
          "a\x94G?\xf0\x00\x00\x00\x00\x00\x00\x8c\x01"
          "b\x94]\x94(K\x01K\x02"
          "eu.");
  CHECK(read(whole).root().kind() == Kind::dict);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(error_of(whole.substr(0, size)).code() == pod::ErrorCode::corrupt);
}

TEST_CASE("limits hold before memory is taken") {
  CHECK(is_refused("N.", {.bytes = 1}));
  CHECK(is_refused("(NNNNl.", {.steps = 3}));
  CHECK(is_refused("(]]]l.", {.nodes = 2}));
  CHECK(is_refused("]q\x01q\x02q\x03.", {.memo = 2}));
  CHECK(is_refused("((((l.", {.depth = 3}));
  CHECK(is_refused(raw("\x8b\xff\xff\xff\x7f."), {}));  // a number of 2 GiB
  CHECK(
      is_corrupt(raw("X\xff\xff\xff\xff"
                     "a.")));  // a text that is not there
  CHECK(is_corrupt(raw("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.")));
  CHECK(is_corrupt("I" + std::string(5000, '9') + "\n."));
}

TEST_CASE("text of a terminal's language in an error is harmless") {
  const std::string name = read_pickle("N.", "ok").file() == "N." ? "\x1b[31mred" : "";
  try {
    read_pickle("", name, {});
    FAIL("it was read");
  } catch (const pod::Error& error) {
    CHECK(error.message().find('\x1b') == std::string::npos);
  }
}
