#include "policy/policy.hpp"

#include "document/pickle.hpp"
#include "policy/depth.hpp"
#include "policy/judge.hpp"
#include "policy/roles.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>

namespace pod::policy {
namespace {

using document::Format;
using document::Graph;
using document::Kind;

constexpr std::size_t lines_of_unreadable = 14;

bool is_pickle(Format format) { return format == Format::pickle || format == Format::tagged_pickle; }

Judgement with_one(const StatePath& path, Verdict verdict, std::string reason, std::vector<std::string> lines = {}) {
  Judgement judgement{path, verdict, {}};
  judgement.concerns.push_back({verdict, 0, {}, std::move(reason), std::move(lines)});
  return judgement;
}

/// What an error says, on one line of bounded length.
std::string said(const Error& error) {
  std::string text(printable(error.message()));
  for (const std::string& cause : error.causes()) text += ": " + printable(cause);
  if (text.size() > 500) text = text.substr(0, 500) + "…";
  return text;
}

/// The first lines of what an unpickler would do before it fails.
std::vector<std::string> first_lines(std::string_view head, Format format) {
  const std::uint64_t first = format == Format::tagged_pickle ? 1 : 0;
  std::vector<std::string> lines;
  for (const document::Instruction& each : document::disassemble(head, first, lines_of_unreadable))
    lines.push_back(line_of(each));
  return lines;
}

/// Whether an unpickler that is given these bytes names or makes something before it fails.
bool acts_like_a_pickle(std::string_view file) {
  static constexpr std::array<std::string_view, 14> acts{"GLOBAL", "STACK_GLOBAL", "INST",   "OBJ",  "REDUCE",
                                                         "NEWOBJ", "NEWOBJ_EX",    "BUILD",  "EXT1", "EXT2",
                                                         "EXT4",   "BINPERSID",    "PERSID", "STOP"};
  constexpr std::size_t at_once = 1024;
  std::uint64_t first = 0;
  while (first < file.size()) {
    const auto instructions = document::disassemble(file, first, at_once);
    for (const document::Instruction& each : instructions)
      if (std::find(acts.begin(), acts.end(), each.name) != acts.end()) return true;
    if (instructions.size() < at_once) return false;
    const std::uint64_t last = instructions.back().offset;
    if (last <= first) return true;  // cannot be followed: not harmless
    first = last;
  }
  return false;
}

/// jsonpickle's tags are keys of JSON objects.
bool has_tags(const Graph& graph) {
  for (std::size_t id = 0; id < graph.node_count(); ++id) {
    const document::Value node = graph.node(static_cast<document::NodeId>(id));
    if (node.kind() != Kind::dict) continue;
    for (const document::Part& part : graph.parts(node))
      for (std::size_t i = 0; i < part.values.size(); i += 2)
        if (part.values[i].kind() == Kind::text && graph.bytes(part.values[i]).starts_with("py/")) return true;
  }
  return false;
}

/// What no reader makes a document of. Under the name of a state file an emulator would try all the same.
Judgement judge_opaque(std::string file, const StatePath& path, const Options& options) {
  const std::string head = file.substr(0, 4096);
  const bool acts = acts_like_a_pickle(file);
  if (acts || is_named_like_state(path)) {
    try {
      return judge(document::read_pickle(std::move(file), path.str(), options.limits), Format::pickle, path, options);
    } catch (const Error& error) {
      return with_one(path, Verdict::refuse,
                      (acts ? "a broken pickle: " : "no document that can be read: ") + said(error),
                      first_lines(head, Format::pickle));
    }
  }
  return with_one(path, Verdict::review, "a state file of an unknown format");
}

}  // namespace

bool needs_whole_file(const StatePath& path, std::string_view head) {
  const bool pickle = is_pickle(document::detect(head)) || document::looks_like_pickle(head);
  switch (role_of(path)) {
    case Role::state: return true;
    case Role::asset: return pickle && is_called_store(path);
    case Role::other: return pickle;
  }
  return true;
}

Judgement judge(std::string file, const StatePath& path, const Options& options) {
  if (!needs_whole_file(path, std::string_view(file).substr(0, 4096))) return {path, Verdict::accept, {}};
  const Format format = document::detect(file);
  if (format == Format::opaque) return judge_opaque(std::move(file), path, options);
  const std::string head = file.substr(0, 4096);
  // Text may begin like a pickle of the oldest protocols; what is no state, and none either, is left alone.
  const bool may_be_text = role_of(path) == Role::other && !head.starts_with('\x80') && format == Format::pickle;
  try {
    // An emulator that is given JSON may take it for jsonpickle, whatever stands at its start.
    const Format read_as = format == Format::json ? Format::jsonpickle : format;
    return judge(document::read(std::move(file), read_as, path.str(), options.limits), read_as, path, options);
  } catch (const Error& error) {
    if (may_be_text) return {path, Verdict::accept, {}};
    return with_one(path, Verdict::refuse,
                    (is_pickle(format) ? "a broken pickle: " : "a document that cannot be read: ") + said(error),
                    is_pickle(format) ? first_lines(head, format) : std::vector<std::string>{});
  }
}

Judgement judge(const Graph& graph, Format format, const StatePath& path, const Options& options) {
  if (format == Format::json && has_tags(graph)) return judge(std::string(graph.file()), path, options);
  Findings findings(options.concerns);
  Judge(graph, findings).run();
  if (const auto deep = deeper_than(graph, options.limits.depth))
    findings.add(Verdict::refuse, *deep, "nests deeper than an emulator could write");
  if (format == Format::jsonpickle && has_tags(graph))
    findings.add(Verdict::refuse, graph.root(), "holds a tag of jsonpickle that is not known");
  Judgement judgement{path, findings.verdict(), {}};
  if (is_pickle(format) && graph.end() < graph.file().size()) {
    judgement.verdict = Verdict::refuse;
    judgement.concerns.push_back({Verdict::refuse,
                                  graph.end(),
                                  {},
                                  "holds data behind the end of the pickle",
                                  disassembly_around(graph.file(), graph.end(), graph.end())});
  }
  for (Concern& concern : findings.concerns(graph, is_pickle(format))) {
    if (judgement.concerns.size() >= options.concerns) break;
    judgement.concerns.push_back(std::move(concern));
  }
  return judgement;
}

}  // namespace pod::policy
