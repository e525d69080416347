#include "flow/document_json.hpp"

#include "base/utf8.hpp"
#include "document/values.hpp"
#include "flow/shown_value.hpp"
#include "json/json.hpp"
#include "metamodel/rules.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace pod::flow {
namespace {

using document::Edge;
using document::Graph;
using document::Kind;
using document::Step;
using document::Tree;
using document::Value;

class JsonText {
 public:
  JsonText(const Tree& tree, std::string_view service, bool reveal, std::uint64_t limit)
      : tree_(tree), graph_(tree.graph()), service_(service), reveal_(reveal), limit_(limit) {}

  std::string write(Value root) {
    const std::string home = tree_.path(root);
    begin(root, root, home);
    while (!open_.empty()) {
      Level& level = open_.back();
      if (level.next == level.edges.size()) {
        close();
        continue;
      }
      const Edge edge = level.edges[level.next++];
      const Value parent = level.value;
      const std::string path = level.path + tree_.step_text(edge.step);
      if (level.next > 1) out_ += ',';
      line();
      if (level.object) out_ += quoted(shown_step(path)) + ": ";
      if (tree_.is_reference(parent, edge))
        out_ +=
            "{\"$ref\": " + quoted(metamodel::Rules::built_in().shown_path(service_, tree_.path(edge.target))) + "}";
      else
        begin(parent, edge.target, path);
      check();
    }
    out_ += '\n';
    return std::move(out_);
  }

 private:
  struct Level {
    Value value;
    std::string path;
    std::vector<Edge> edges;
    std::size_t next = 0;
    bool object = false;
  };

  void check() const {
    if (out_.size() > limit_)
      throw Error(ErrorCode::refused, "the JSON text has more than " + std::to_string(limit_) + " bytes")
          .hint("ask for a smaller part of the document");
  }

  void line() { out_.append("\n").append(2 * open_.size(), ' '); }

  void close() {
    const bool object = open_.back().object;
    const bool any = !open_.back().edges.empty();
    open_.pop_back();
    if (any) line();
    out_ += object ? '}' : ']';
  }

  void begin(Value parent, Value value, const std::string& path) {
    if (tree_.is_leaf(value)) {
      const bool hide = !reveal_ && value.kind() != Kind::none && is_secret(tree_, service_, path, parent, value);
      out_ += hide ? quoted(masked(tree_, value)) : leaf(value);
      return;
    }
    Level level{.value = value, .path = path, .edges = {}, .next = 0, .object = false};
    tree_.edges(value, [&](const Edge& edge) {
      level.edges.push_back(edge);
      return true;
    });
    const Kind kind = value.kind();
    const bool sequence = kind == Kind::list || kind == Kind::tuple || kind == Kind::set || kind == Kind::frozen_set;
    const bool plain = std::all_of(level.edges.begin(), level.edges.end(), [](const Edge& edge) {
      return edge.step.kind == Step::Kind::index || edge.step.kind == Step::Kind::member;
    });
    level.object = !(plain && (sequence || !level.edges.empty()));
    out_ += level.object ? '{' : '[';
    open_.push_back(std::move(level));
  }

  std::string shown_step(const std::string& path) const {
    const std::string shown = metamodel::Rules::built_in().shown_path(service_, path);
    return shown.substr(shown.rfind('/') + 1);
  }

  static std::string quoted(std::string_view text) {
    std::string out = json::canonical(json::Value(base::is_utf8(text) ? std::string(text) : printable(text)));
    out.pop_back();  // the line's end
    return out;
  }

  std::string leaf(Value value) const {
    switch (value.kind()) {
      case Kind::none: return "null";
      case Kind::boolean: return graph_.boolean(value) ? "true" : "false";
      case Kind::integer: return std::to_string(graph_.integer(value));
      case Kind::real: {
        if (!std::isfinite(graph_.real(value))) break;
        std::string out = json::canonical(json::Value(graph_.real(value)));
        out.pop_back();
        return out;
      }
      case Kind::text: return quoted(graph_.text(value));
      case Kind::bytes:
      case Kind::byte_text:
      case Kind::byte_array: return "{\"$bytes\": \"" + hex_of(graph_.bytes(value)) + "\"}";
      default: break;
    }
    return quoted(document::render(graph_, value, 4096));
  }

  static std::string hex_of(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
    return out;
  }

  const Tree& tree_;
  const Graph& graph_;
  std::string_view service_;
  bool reveal_;
  std::uint64_t limit_;
  std::string out_;
  std::vector<Level> open_;
};

}  // namespace

std::string write_json(const Tree& tree, std::string_view service, Value value, bool reveal, std::uint64_t limit) {
  return JsonText(tree, service, reveal, limit).write(value);
}

}  // namespace pod::flow
