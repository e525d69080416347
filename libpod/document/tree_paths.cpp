// Paths of a tree's nodes: written, read back, and digested. And the digest of a subtree.
#include "digest/digest.hpp"
#include "document/tree_edges.hpp"
#include "document/values.hpp"

#include <algorithm>

namespace pod::document {
namespace {

constexpr std::size_t flush_from = 64 * 1024;

std::string numbered(std::string_view name, std::uint64_t twin) {
  std::string out(name);
  if (twin > 0) out += "+" + std::to_string(twin + 1);
  return out;
}

void append_count(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

}  // namespace

/// The last step of a node's path.
std::string Tree::Impl::home_text(NodeId id) const {
  const Home& home = homes[id];
  switch (home.role) {
    case Role::edge: return labels.step_text(home_step(id));
    case Role::items: return numbered("/&items", home.index);
    case Role::attributes:
    case Role::slots: return numbered("/&attributes", home.index);
    case Role::unknown:
    case Role::leaf:
    case Role::root: break;
  }
  return {};
}

std::string Tree::path(Value node) const {
  if (!node.is_node()) return {};
  std::vector<NodeId> way;
  for (NodeId id = node.node(); impl_->homes[id].role >= Impl::Role::edge; id = impl_->homes[id].parent)
    way.push_back(id);
  std::string out;
  for (auto id = way.rbegin(); id != way.rend(); ++id) out += impl_->home_text(*id);
  return out;
}

std::string Tree::step_text(const Step& step) const { return impl_->labels.step_text(step); }

std::optional<Value> Tree::Impl::along(Value value, std::string_view segment) const {
  std::string text;
  for (const Labels::Meaning& meaning : labels.meanings(segment, text)) {
    const auto edge = search(value, meaning.key, meaning.twin);
    if (edge && std::string_view(labels.step_text(edge->step)).substr(1) == segment) return edge->target;
  }
  if (!value.is_node() || !(segment.starts_with("&items") || segment.starts_with("&attributes"))) return std::nullopt;
  // An absorbed container by itself.
  for (const Part& part : graph->parts(value))
    for (const Value& given : part.values) {
      std::vector<Value> containers{given};
      if (part.act == Part::Act::state && is_attributes_pair(*graph, given)) {
        const auto pair = graph->arguments(given);
        containers.assign(pair.begin(), pair.end());
      } else if (part.act == Part::Act::effect) {
        const SetterCall setter = setter_call(*graph, given);
        containers.clear();
        if (setter.items != nullptr) containers.push_back(*setter.items);
        if (setter.attributes != nullptr) containers.push_back(*setter.attributes);
      }
      for (const Value container : containers)
        if (container.is_node() && homes[container.node()].role > Role::edge &&
            homes[container.node()].slot == graph->slot_number(&given) &&
            homes[container.node()].parent == value.node() && home_text(container.node()).substr(1) == segment)
          return container;
    }
  if (const Value* counted = counted_items(*graph, value);
      counted != nullptr && homes[counted->node()].slot == graph->slot_number(counted) &&
      homes[counted->node()].parent == value.node() && home_text(counted->node()).substr(1) == segment)
    return *counted;
  return std::nullopt;
}

std::optional<Value> Tree::find(std::string_view path) const {
  Value value = root();
  while (!path.empty()) {
    if (path[0] != '/') return std::nullopt;
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const auto next = impl_->along(value, path.substr(1, end - 1));
    if (!next) return std::nullopt;
    value = *next;
    path.remove_prefix(end);
  }
  return value;
}

ShortDigest Tree::Impl::path_digest(NodeId id) const {
  std::vector<NodeId> way;
  ShortDigest digest{};
  const std::lock_guard lock(mutex);
  for (; homes[id].role >= Role::edge; id = homes[id].parent) {
    if (const auto known = path_digests.find(id); known != path_digests.end()) {
      digest = known->second;
      break;
    }
    way.push_back(id);
  }
  for (auto at = way.rbegin(); at != way.rend(); ++at) {
    std::string content(reinterpret_cast<const char*>(digest.data()), digest.size());
    content += home_text(*at);
    digest = Labels::short_digest(content);
    path_digests.emplace(*at, digest);
  }
  return digest;
}

namespace {

struct Named {
  LabelKey key;
  Edge edge;
};

/// A node that is being digested; its edges stand behind those of the level above.
struct Level {
  Value value;
  std::size_t first;
  std::size_t next;  // in the order of their names
};

}  // namespace

std::string Tree::Impl::subtree_digest(Value value) const {
  digest::Sha256 hash;
  std::string content;
  std::vector<Named> edges;
  std::vector<std::uint32_t> order;
  std::vector<Level> levels;
  const auto flush = [&](std::size_t from) {
    if (content.size() < from) return;
    hash.update(content);
    content.clear();
  };
  const auto put_leaf = [&](Value leaf) {
    content += '=';
    labels.append_leaf(content, leaf);
  };
  const auto put_name = [&](const LabelKey& key) {
    content += static_cast<char>('a' + static_cast<int>(key.edge));
    content += static_cast<char>('a' + static_cast<int>(key.label));
    content += static_cast<char>('a' + static_cast<int>(key.kind));
    append_count(content, key.number);
    append_count(content, key.text.size());
    content += key.text;
    if (key.label == LabelKey::Class::digest)
      content.append(reinterpret_cast<const char*>(key.digest.data()), key.digest.size());
  };
  const auto open = [&](Value node) {
    content += static_cast<char>(node.kind());
    if (const auto name = class_of(*graph, node)) {
      for (const std::string_view text : {name->module, name->name}) {
        append_count(content, text.size());
        content += text;
      }
    }
    if (node.kind() == Kind::byte_array) {
      append_count(content, graph->bytes(node).size());
      content += graph->bytes(node);
    }
    content += '{';
    // Leaves at places first, as they stand; then what has a name, sorted by it.
    const std::size_t first = edges.size();
    walk_settled(node, [&](const Edge& edge) {
      const LabelKey key = labels.key_of(edge.step);
      if (key.label == LabelKey::Class::place && is_leaf(edge.target)) {
        put_name(key);
        put_leaf(edge.target);
        flush(flush_from);
      } else {
        edges.push_back({key, edge});
      }
      return true;
    });
    for (std::size_t at = first; at < edges.size(); ++at) order.push_back(static_cast<std::uint32_t>(at));
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(first);
    const auto by_name = [&](std::uint32_t a, std::uint32_t b) {
      const auto names = edges[a].key <=> edges[b].key;
      return names < 0 || (names == 0 && edges[a].edge.step.index < edges[b].edge.step.index);
    };
    if (!std::is_sorted(begin, order.end(), by_name)) std::sort(begin, order.end(), by_name);
    levels.push_back({node, first, first});
  };
  if (is_leaf(value))
    put_leaf(value);
  else
    open(value);
  while (!levels.empty()) {
    flush(flush_from);
    Level& level = levels.back();
    if (level.next == edges.size()) {
      content += '}';
      edges.erase(edges.begin() + static_cast<std::ptrdiff_t>(level.first), edges.end());
      order.resize(level.first);
      levels.pop_back();
      continue;
    }
    const Edge edge = edges[order[level.next]].edge;
    put_name(edges[order[level.next++]].key);
    if (is_leaf(edge.target)) {
      put_leaf(edge.target);
    } else if (is_reference(level.value, edge)) {
      const ShortDigest path = path_digest(edge.target.node());
      content += '>';
      content.append(reinterpret_cast<const char*>(path.data()), path.size());
    } else {
      open(edge.target);
    }
  }
  flush(0);
  const digest::Sha256Value whole = hash.finish();
  return digest::hex(std::span(whole).first(16));
}

std::string Tree::subtree_digest(Value value) const { return impl_->subtree_digest(value); }

}  // namespace pod::document
