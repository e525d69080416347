#include "flow/shown_value.hpp"

#include "document/values.hpp"
#include "metamodel/rules.hpp"

namespace pod::flow {
namespace {

using document::Kind;

/// Texts and bytes stand in the document as they are.
bool has_bytes(Kind kind) {
  return kind == Kind::text || kind == Kind::bytes || kind == Kind::byte_text || kind == Kind::byte_array;
}

}  // namespace

bool is_secret(const document::Tree& tree, std::string_view service, std::string_view path, document::Value parent,
               document::Value value) {
  const document::Graph& graph = tree.graph();
  const auto holder = document::class_of(graph, parent);
  const metamodel::Spot spot{.service = service,
                             .class_name = holder ? holder->name : std::string_view(),
                             .path = path,
                             .text = value.kind() == Kind::text ? graph.text(value) : std::string_view(),
                             .leaf = tree.is_leaf(value)};
  return metamodel::Rules::built_in().is_secret(spot);
}

std::string masked(const document::Tree& tree, document::Value value) {
  const document::Graph& graph = tree.graph();
  if (has_bytes(value.kind())) return metamodel::mask(graph.bytes(value).size());
  return metamodel::mask(document::render(graph, value).size());
}

std::string shown_value(const document::Tree& tree, std::string_view service, std::string_view path,
                        document::Value parent, document::Value value) {
  // Of what holds other fields only its kind and its size are shown.
  if (tree.is_leaf(value) && value.kind() != Kind::none && is_secret(tree, service, path, parent, value))
    return masked(tree, value);
  return document::render(tree.graph(), value);
}

}  // namespace pod::flow
