// The digest is the SHA-256 of a walk like the writer's, but in an order that no writing can change: sets and dicts by
// content, objects numbered as they are met, an object met again by its number.

#include "digest/digest.hpp"
#include "document/document.hpp"
#include "document/inline_pickle.hpp"
#include "document/values.hpp"
#include "document/walk.hpp"

#include <unordered_map>

namespace pod::document {
namespace {

// What stands before a piece, so that no two documents give the same bytes. Pickle opcodes come from append_inline()
// alone and begin with other bytes.
enum class Tag : char { node = '\x01', again = '\x02', part = '\x03', end = '\x04', long_text = '\x05' };

class Digester {
 public:
  explicit Digester(const Graph& graph) : graph_(graph), numbers_(graph.node_count()) {}

  std::string digest() {
    text_ = "pod document 1\n";
    visit(graph_.root());
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.next < frame.values.size())
        visit(frame.values[frame.next++]);
      else
        next_group(frame);
      if (text_.size() > 64 * std::size_t{1024}) flush();
    }
    for (const Value effect : graph_.loose_effects()) number(static_cast<std::uint64_t>(effect.kind()));
    flush();
    return digest::hex(sha_.finish());
  }

 private:
  struct Frame {
    std::span<const Value> values;
    std::size_t next = 0;
    PartGroups groups;
  };

  void visit(Value value) {
    if (!value.is_node()) return visit_atom(value);
    if (is_value_object(graph_, value)) return append_inline(text_, graph_, value);
    std::uint32_t& known = numbers_[value.node()];
    if (known != 0) {
      tag(Tag::again);
      return number(known);
    }
    known = ++count_;
    tag(Tag::node);
    number(static_cast<std::uint64_t>(value.kind()));
    std::span<const Value> arguments = graph_.arguments(value);
    number(arguments.size());
    if (value.kind() == Kind::frozen_set) arguments = in_order(graph_, arguments, 1, storage_);
    frames_.push_back({arguments, 0, PartGroups(graph_, value, storage_)});
  }

  void visit_atom(Value value) {
    const bool counted = value.kind() == Kind::text || value.kind() == Kind::bytes || value.kind() == Kind::byte_text;
    if (!counted || graph_.bytes(value).size() < long_text) return append_inline(text_, graph_, value);
    tag(Tag::long_text);
    number(static_cast<std::uint64_t>(value.kind()));
    std::string& known = long_texts_[graph_.bytes(value).data()];
    if (known.empty()) known = digest::hex(digest::sha256(graph_.bytes(value)));
    text_ += known;
  }

  void next_group(Frame& frame) {
    PartGroup group{};
    if (!frame.groups.next(group)) {
      tag(Tag::end);
      frames_.pop_back();
      return;
    }
    tag(Tag::part);
    number(static_cast<std::uint64_t>(group.act));
    number(group.values.size());
    if (group.act == Part::Act::items) group.values = in_order(graph_, group.values, 2, storage_);
    if (group.act == Part::Act::add) group.values = in_order(graph_, group.values, 1, storage_);
    frame.values = group.values;
    frame.next = 0;
  }

  void tag(Tag value) { text_ += static_cast<char>(value); }
  void number(std::uint64_t value) { append_number(text_, value, 8); }
  void flush() {
    sha_.update(text_);
    text_.clear();
  }

  const Graph& graph_;
  std::vector<std::uint32_t> numbers_;
  std::uint32_t count_ = 0;
  std::vector<Frame> frames_;
  std::deque<std::vector<Value>> storage_;
  std::unordered_map<const char*, std::string> long_texts_;
  std::string text_;
  digest::Sha256 sha_;
};

}  // namespace

std::string canonical_digest(const Graph& graph) { return Digester(graph).digest(); }

}  // namespace pod::document
