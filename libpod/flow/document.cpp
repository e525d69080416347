#include "document/document.hpp"
#include "document/tree.hpp"
#include "flow/document_json.hpp"
#include "flow/shown_value.hpp"
#include "metamodel/metamodel.hpp"

#include <libpod/error.hpp>
#include <libpod/resources.hpp>

namespace pod {

struct Document::Impl {
  Impl(document::Graph read, std::string of_service, std::string of_name)
      : graph(std::move(read)), tree(graph), service(std::move(of_service)), name(std::move(of_name)) {}

  document::Value at(std::string_view path) const {
    const auto value = tree.find(path);
    if (!value) throw Error(ErrorCode::not_found, quote(name) + " has nothing at " + quote(path));
    return *value;
  }

  document::Graph graph;
  document::Tree tree;
  std::string service;
  std::string name;
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

Document Document::read(const Snapshot& snapshot, const StatePath& file, const Context& context) {
  context.cancel->check();
  std::string bytes = snapshot.read(file);
  const document::Format format = document::detect(bytes);
  if (format == document::Format::opaque)
    throw Error(ErrorCode::unsupported, quote(file.str()) + " has a format that is not known");
  try {
    return Document(std::make_unique<Impl>(document::read(std::move(bytes), format, file.str()),
                                           metamodel::place_of(file).service, file.str()));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::refused) throw;
    throw Error(ErrorCode::unsupported, quote(file.str()) + " cannot be read").because(error.message());
  }
}

std::vector<Field> Document::fields(std::string_view path, std::size_t first, std::size_t limit) const {
  const document::Tree& tree = impl_->tree;
  const document::Value parent = impl_->at(path);
  const std::string home = tree.path(parent);
  std::vector<Field> out;
  std::size_t place = 0;
  tree.edges(parent, [&](const document::Edge& edge) {
    if (place++ < first) return true;
    if (out.size() >= limit) return false;
    Field field;
    field.path = home + tree.step_text(edge.step);
    const std::string shown = metamodel::Rules::built_in().shown_path(impl_->service, field.path);
    field.name = shown.substr(shown.rfind('/') + 1);
    field.value = flow::shown_value(tree, impl_->service, field.path, parent, edge.target);
    if (tree.is_reference(parent, edge)) field.reference = tree.path(edge.target);
    field.children = tree.edge_count(edge.target);
    out.push_back(std::move(field));
    return true;
  });
  return out;
}

std::string Document::json(std::string_view path, bool reveal, std::uint64_t limit) const {
  return flow::write_json(impl_->tree, impl_->service, impl_->at(path), reveal, limit);
}

}  // namespace pod
