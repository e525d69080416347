#include "policy/findings.hpp"

#include "document/tree.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <unordered_map>

namespace pod::policy {
namespace {

using document::Graph;
using document::Kind;
using document::NodeId;
using document::Value;

constexpr std::size_t lines_before = 12;
constexpr std::size_t lines_after = 2;
constexpr std::uint64_t near = 4096;
constexpr std::size_t longest_path = 2048;
constexpr int levels = 8;

/// Where the text of a value stands in the file, as the offset of its instruction; `otherwise` where it does not.
std::uint64_t text_offset(const Graph& graph, Value value, std::uint64_t otherwise) {
  if (value.kind() != Kind::text) return otherwise;
  const std::string_view file = graph.file();
  const std::string_view text = graph.bytes(value);
  if (std::less<>()(text.data(), file.data()) || !std::less<>()(text.data(), file.data() + file.size()))
    return otherwise;
  const auto at = static_cast<std::uint64_t>(text.data() - file.data());
  if (at >= 2 && file[at - 2] == '\x8c' && static_cast<unsigned char>(file[at - 1]) == text.size()) return at - 2;
  if (at >= 5 && file[at - 5] == 'X') return at - 5;
  return otherwise;
}

/// The first instruction that has to do with a node, where it is near.
std::uint64_t first_offset(const Graph& graph, Value node) {
  const std::uint64_t own = graph.offset(node);
  std::uint64_t first = own;
  const auto consider = [&](std::uint64_t offset) {
    if (offset < first && own - offset < near) first = offset;
  };
  std::vector<Value> looked_at{node};
  if (node.kind() != Kind::global)
    for (const Value argument : graph.arguments(node).first(std::min<std::size_t>(graph.arguments(node).size(), 2)))
      if (argument.is_node()) {
        if (argument.kind() != Kind::byte_array && graph.offset(argument) > 0) consider(graph.offset(argument));
        looked_at.push_back(argument);
      }
  for (const Value value : looked_at)
    if (value.kind() == Kind::global)
      for (const Value word : graph.arguments(value)) consider(text_offset(graph, word, own));
  return first;
}

/// A path as it may be printed: what would turn the order of writing around is escaped as in a path, and it is cut.
std::string shown_path(const std::string& path) {
  std::string made;
  for (std::size_t i = 0; i < path.size() && made.size() < longest_path; ++i) {
    const std::string_view three = std::string_view(path).substr(i, 3);
    const bool bidi = three == "\xe2\x80\x8e" || three == "\xe2\x80\x8f" ||
                      (three >= "\xe2\x80\xaa" && three <= "\xe2\x80\xae") ||
                      (three >= "\xe2\x81\xa6" && three <= "\xe2\x81\xa9");
    const bool two = three.starts_with("\xd8\x9c") ||
                     (three.size() > 1 && three[0] == '\xc2' && static_cast<unsigned char>(three[1]) <= 0x9f);
    const std::size_t length = bidi ? 3 : two ? 2 : 0;
    for (std::size_t j = 0; j < length; ++j) {
      static constexpr char digits[] = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(path[i + j]);
      made += std::string{'~', digits[byte >> 4], digits[byte & 15]};
    }
    if (length == 0) made += path[i];
    if (length > 0) i += length - 1;
  }
  return made.size() < longest_path ? made : made + "…";
}

/// Paths of nodes: their own, or that of what holds them.
class Places {
 public:
  Places(const Graph& graph, const std::vector<Value>& nodes) : graph_(graph) {
    try {
      document::Tree tree(graph);
      std::unordered_map<NodeId, std::vector<NodeId>> wanted;  // a node → those that would take its path
      for (const Value node : nodes)
        if (node.is_node()) wanted[node.node()].push_back(node.node());
      for (int level = 0; level < levels && !wanted.empty(); ++level) {
        for (auto at = wanted.begin(); at != wanted.end();) {
          const Value node = graph.node(at->first);
          std::string path = tree.path(node);
          if (path.empty() && node != graph.root()) {
            ++at;
            continue;
          }
          path = shown_path(path);
          for (const NodeId id : at->second) paths_[id] = path;
          at = wanted.erase(at);
        }
        if (!wanted.empty()) wanted = holders(wanted);
      }
    } catch (const Error&) {
      paths_.clear();  // what has no tree has no paths
    }
  }

  std::string of(Value node) const {
    const auto found = node.is_node() ? paths_.find(node.node()) : paths_.end();
    return found == paths_.end() ? std::string{} : found->second;
  }

 private:
  using Wanted = std::unordered_map<NodeId, std::vector<NodeId>>;

  /// One walk: who holds each of the wanted first.
  Wanted holders(Wanted wanted) const {
    Wanted found;
    const auto consider = [&](Value inner, NodeId holder) {
      if (!inner.is_node() || inner.node() == holder) return;
      const auto at = wanted.find(inner.node());
      if (at == wanted.end()) return;
      auto& takers = found[holder];
      takers.insert(takers.end(), at->second.begin(), at->second.end());
      wanted.erase(at);
    };
    for (std::size_t id = 0; id < graph_.node_count() && !wanted.empty(); ++id) {
      const Value node = graph_.node(static_cast<NodeId>(id));
      if (node.kind() == Kind::byte_array) continue;
      for (const Value argument : graph_.arguments(node)) consider(argument, node.node());
      for (const document::Part& part : graph_.parts(node))
        for (const Value value : part.values) consider(value, node.node());
    }
    return found;
  }

  const Graph& graph_;
  std::unordered_map<NodeId, std::string> paths_;
};

}  // namespace

void Findings::add(Verdict verdict, Value node, std::string reason, Weight weight) {
  verdict_ = std::max(verdict_, verdict);
  ++added_;
  auto& findings = verdict == Verdict::refuse ? refused_ : reviewed_;
  for (Finding& finding : findings)
    if (finding.reason == reason) {
      ++finding.count;
      return;
    }
  if (findings.size() < most_) {
    findings.push_back({node, std::move(reason), weight});
    return;
  }
  ++left_out_;
  const auto lightest = std::min_element(findings.rbegin(), findings.rend(),
                                         [](const Finding& a, const Finding& b) { return a.weight < b.weight; });
  if (lightest != findings.rend() && lightest->weight < weight) *lightest = {node, std::move(reason), weight};
}

std::vector<Concern> Findings::concerns(const Graph& graph, bool is_pickle) {
  std::vector<Concern> made;
  if (empty()) return made;
  for (auto* findings : {&refused_, &reviewed_})
    std::stable_sort(findings->begin(), findings->end(),
                     [](const Finding& a, const Finding& b) { return a.weight > b.weight; });
  std::vector<Value> nodes;
  for (const auto* findings : {&refused_, &reviewed_})
    for (const Finding& finding : *findings) nodes.push_back(finding.node);
  const Places places(graph, nodes);
  for (const auto* findings : {&refused_, &reviewed_})
    for (const Finding& finding : *findings) {
      if (made.size() >= most_) break;
      Concern concern;
      concern.verdict = findings == &refused_ ? Verdict::refuse : Verdict::review;
      concern.reason = finding.reason;
      if (finding.count > 1) concern.reason += " (" + std::to_string(finding.count) + " times)";
      if (finding.node.is_node()) {
        concern.path = places.of(finding.node);
        concern.offset = graph.offset(finding.node);
        if (is_pickle)
          concern.disassembly = disassembly_around(graph.file(), first_offset(graph, finding.node), concern.offset);
      }
      made.push_back(std::move(concern));
    }
  const std::uint64_t more = left_out_ + refused_.size() + reviewed_.size() - made.size();
  if (more > 0 && !made.empty()) made.back().reason += "; and " + std::to_string(more) + " more that are not shown";
  return made;
}

std::string line_of(const document::Instruction& instruction) {
  std::string line = std::to_string(instruction.offset) + ": " + instruction.name;
  if (!instruction.argument.empty()) line += ' ' + instruction.argument;
  return line;
}

std::vector<std::string> disassembly_around(std::string_view file, std::uint64_t first, std::uint64_t offset) {
  // Instructions are at least a byte each, so that many reach the offset.
  auto instructions =
      document::disassemble(file, first, static_cast<std::size_t>(std::min(offset - first, near)) + 1 + lines_after);
  const auto at =
      std::find_if(instructions.begin(), instructions.end(), [&](const auto& each) { return each.offset == offset; });
  auto here = static_cast<std::size_t>(at - instructions.begin());
  if (here == instructions.size()) {
    instructions = document::disassemble(file, offset, 1 + lines_after);
    here = 0;
  }
  const std::size_t from = here > lines_before ? here - lines_before : 0;
  std::vector<std::string> lines;
  for (std::size_t i = from; i < instructions.size() && i <= here + lines_after; ++i)
    lines.push_back(line_of(instructions[i]));
  return lines;
}

}  // namespace pod::policy
