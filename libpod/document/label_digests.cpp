// The content of labels and leaves as bytes, and their digests.
#include "digest/digest.hpp"
#include "document/labels.hpp"
#include "document/values.hpp"

#include <algorithm>
#include <vector>

namespace pod::document {
namespace {

/// By which an object is known among others of its class.
constexpr std::array<std::string_view, 8> id_attributes = {"id",  "arn", "message_id", "name",
                                                           "key", "Id",  "Arn",        "Name"};
constexpr std::size_t outline_values = 16;
constexpr std::size_t longest_inline = 512;

void append_number(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

}  // namespace

ShortDigest Labels::short_digest(std::string_view bytes) {
  const digest::Sha256Value whole = digest::sha256(bytes);
  ShortDigest out;
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

void Labels::append_atom(std::string& out, Value atom) const {
  out += static_cast<char>(atom.kind());
  switch (atom.kind()) {
    case Kind::none: return;
    case Kind::boolean: out += graph_->boolean(atom) ? '1' : '0'; return;
    case Kind::integer: append_number(out, static_cast<std::uint64_t>(graph_->integer(atom))); return;
    case Kind::real: append_number(out, graph_->real_bits(atom)); return;
    default: break;
  }
  const std::string_view bytes = graph_->bytes(atom);
  append_number(out, bytes.size());
  if (bytes.size() <= longest_inline) {
    out += bytes;
    return;
  }
  std::unique_lock lock(mutex_);
  auto known = long_texts_.find(bytes.data());
  if (known == long_texts_.end()) {
    lock.unlock();
    const ShortDigest digest = short_digest(bytes);
    lock.lock();
    known = long_texts_.emplace(bytes.data(), digest).first;
  }
  out.append(reinterpret_cast<const char*>(known->second.data()), known->second.size());
}

void Labels::append_leaf(std::string& out, Value leaf) const {
  if (!leaf.is_node()) return append_atom(out, leaf);
  // Recursion: a leaf that is a node has at most 64 of them (values.hpp).
  out += static_cast<char>(leaf.kind());
  const auto arguments = graph_->arguments(leaf);
  append_number(out, arguments.size());
  if (leaf.kind() == Kind::frozen_set) {
    std::vector<std::string> members(arguments.size());
    for (std::size_t at = 0; at < members.size(); ++at) append_leaf(members[at], arguments[at]);
    std::sort(members.begin(), members.end());
    for (const std::string& member : members) out += member;
  } else {
    for (const Value argument : arguments) append_leaf(out, argument);
  }
  for (const Part& part : graph_->parts(leaf)) {
    out += static_cast<char>(part.act);
    append_number(out, part.values.size());
    for (const Value value : part.values) append_leaf(out, value);
  }
  out += '.';
}

void Labels::append_outline(std::string& out, Value node) const {
  out += static_cast<char>(node.kind());
  if (const auto name = class_of(*graph_, node)) {
    append_number(out, name->module.size());
    (out += name->module) += name->name;
    out += '\0';
  }
  // The first few values, not what lies below them; those that come in any order are sorted.
  std::vector<std::string> pieces;
  std::size_t left = outline_values;
  const auto piece = [&](std::span<const Value> values) {
    if (left == 0) return;
    --left;
    std::string& text = pieces.emplace_back();
    for (const Value value : values)
      if (is_leaf(value))
        append_leaf(text, value);
      else
        text += static_cast<char>(value.kind());
  };
  const auto flush = [&](bool sorted) {
    if (sorted) std::sort(pieces.begin(), pieces.end());
    for (const std::string& text : pieces) {
      append_number(out, text.size());
      out += text;
    }
    pieces.clear();
  };
  const bool has_class = node.kind() == Kind::call || node.kind() == Kind::object || node.kind() == Kind::object_kw;
  auto given = graph_->arguments(node);
  if (has_class && !given.empty()) given = given.subspan(1);
  for (const Value& argument : given)
    if (has_class && argument.kind() == Kind::tuple)
      for (const Value& element : graph_->arguments(argument).first(std::min(left, graph_->arguments(argument).size())))
        piece(std::span(&element, 1));
    else if (left > 0)
      piece(std::span(&argument, 1));
  flush(node.kind() == Kind::frozen_set);

  const auto pairs = [&](std::span<const Value> values) {
    for (std::size_t at = 0; left > 0 && at + 1 < values.size(); at += 2) piece(values.subspan(at, 2));
  };
  std::size_t looked_at = 0;
  for (const Part& part : graph_->parts(node)) {
    if (left == 0 || ++looked_at > outline_values) break;
    if (part.act == Part::Act::effect) continue;
    if (part.act == Part::Act::items) pairs(part.values);
    if (part.act == Part::Act::append || part.act == Part::Act::add)
      for (std::size_t at = 0; left > 0 && at < part.values.size(); ++at) piece(part.values.subspan(at, 1));
    if (part.act != Part::Act::state) continue;
    if (part.values[0].kind() != Kind::dict) {
      piece(part.values);
      continue;
    }
    for (const Part& items : graph_->parts(part.values[0])) {
      if (items.act != Part::Act::items || ++looked_at > outline_values) break;
      if (const auto id = id_among(items.values)) {
        pieces.clear();
        piece(*id);
        return flush(false);
      }
      pairs(items.values);
    }
  }
  flush(node.kind() != Kind::list);
}

/// The pair of an attribute by which an object is known among others of its class.
std::optional<std::span<const Value>> Labels::id_among(std::span<const Value> attributes) const {
  const std::size_t end = std::min(attributes.size(), 4 * outline_values) / 2 * 2;
  for (const std::string_view wanted : id_attributes)
    for (std::size_t at = 0; at < end; at += 2)
      if (graph_->is_text(attributes[at], wanted) && !attributes[at + 1].is_node() &&
          attributes[at + 1].kind() != Kind::none)
        return attributes.subspan(at, 2);
  return std::nullopt;
}

ShortDigest Labels::digest_of(Value label) const {
  if (label.is_node()) {
    const std::lock_guard lock(mutex_);
    if (const auto known = nodes_.find(label.node()); known != nodes_.end()) return known->second;
  }
  std::string content;
  if (is_leaf(label))
    append_leaf(content, label);
  else
    append_outline(content, label);
  const ShortDigest digest = short_digest(content);
  if (label.is_node()) {
    const std::lock_guard lock(mutex_);
    nodes_.emplace(label.node(), digest);
  }
  return digest;
}

}  // namespace pod::document
