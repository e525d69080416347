// What is accepted holds no name outside of the lists, no call of anything else, and ends where the file does: checked
// here once more, with nothing of the judge's but the lists.
#include "fuzz_input.hpp"

#include "document/document.hpp"
#include "policy/manifest.hpp"
#include "policy/policy.hpp"
#include "policy/shapes.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>

namespace {

using pod::document::Graph;
using pod::document::Kind;
using pod::document::Value;

bool is_listed(const Graph& graph, Value global, bool& is_class) {
  static constexpr std::array<std::string_view, 10> plain{"list",  "dict", "set",   "int",   "str",
                                                          "float", "bool", "tuple", "bytes", "frozenset"};
  const auto words = graph.arguments(global);
  if (words[0].kind() != Kind::text || words[1].kind() != Kind::text) return false;
  const std::string_view module = graph.bytes(words[0]);
  const std::string_view name = graph.bytes(words[1]);
  is_class = pod::policy::Manifest::committed().find(module, name) != nullptr;
  const bool built =
      (module == "uuid" && name == "UUID") || (module == "requests.structures" && name == "CaseInsensitiveDict");
  const bool named = module == "builtins" && std::find(plain.begin(), plain.end(), name) != plain.end();
  return is_class || built || named || pod::policy::shape_of(module, name) != nullptr;
}

void check_accepted(const Graph& graph) {
  fuzz::must_hold(graph.end() == graph.file().size(), "an accepted pickle is the whole file");
  fuzz::must_hold(graph.loose_effects().empty(), "an accepted pickle calls nothing for its effect alone");
  for (std::size_t id = 0; id < graph.node_count(); ++id) {
    const Value node = graph.node(static_cast<pod::document::NodeId>(id));
    bool is_class = false;
    switch (node.kind()) {
      case Kind::global:
        fuzz::must_hold(is_listed(graph, node, is_class), "an accepted graph names nothing outside of the lists");
        break;
      case Kind::call: {
        const Value callable = graph.arguments(node)[0];
        fuzz::must_hold(callable.kind() == Kind::global, "an accepted graph calls only what it names");
        fuzz::must_hold(graph.arguments(node)[1].kind() == Kind::tuple, "an accepted call has a tuple of arguments");
        break;
      }
      case Kind::object:
        fuzz::must_hold(graph.arguments(node)[0].kind() == Kind::global,
                        "an accepted object has a class that is named");
        break;
      case Kind::object_kw:
      case Kind::instance:
      case Kind::extension:
      case Kind::buffer:
      case Kind::readonly_buffer: fuzz::must_hold(false, "an accepted graph has no such node"); break;
      default: break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<pod::StatePath, 4> paths{
      pod::StatePath::parse("api_states/123456789012/sqs/us-east-1/backend.state"),
      pod::StatePath::parse("api_states/1/s3/global/notes.txt"), pod::StatePath::parse("sqs/store.pkl"),
      pod::StatePath::parse("readme")};
  pod::policy::Options options;
  options.limits = {.bytes = 1 << 20, .steps = 100'000, .nodes = 50'000, .memo = 50'000, .depth = 500};
  const std::string file(fuzz::text(data, size));
  for (const pod::StatePath& path : paths) {
    const pod::Judgement judgement = pod::policy::judge(file, path, options);  // throws nothing for what a file holds
    fuzz::must_hold(judgement.concerns.size() <= options.concerns, "concerns are bounded");
    fuzz::must_hold((judgement.verdict == pod::Verdict::accept) == judgement.concerns.empty(),
                    "what is not accepted has a reason");
    for (const pod::Concern& concern : judgement.concerns) {
      fuzz::must_hold(concern.verdict <= judgement.verdict, "no concern is worse than the verdict");
      fuzz::must_hold(concern.reason.size() < 4000 && concern.path.size() < 4096, "what is shown is short");
    }
    if (judgement.verdict != pod::Verdict::accept || pod::policy::role_of(path) != pod::policy::Role::state) continue;
    const pod::document::Format format = pod::document::detect(file);
    if (format == pod::document::Format::sqlite) continue;
    const bool json = format == pod::document::Format::json || format == pod::document::Format::jsonpickle;
    const Graph graph =
        json ? pod::document::read(file, pod::document::Format::jsonpickle, "input", options.limits)
             : pod::document::read(file,
                                   format == pod::document::Format::opaque ? pod::document::Format::pickle : format,
                                   "input", options.limits);
    if (json)
      fuzz::must_hold(graph.loose_effects().empty(), "accepted JSON calls nothing for its effect alone");
    else
      check_accepted(graph);
  }
  return 0;
}
