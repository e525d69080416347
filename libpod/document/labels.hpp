// What an edge of a tree is called: the order of labels, their text in a path, the digest of those that are no short
// text.
//
// Every label costs a bounded time, however often a file repeats a long text: what is longer than `longest_text` counts
// by its digest, which is computed once.
//
// Thread word: safe.
#pragma once

#include "document/tree.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pod::document {

/// The first 16 bytes of a SHA-256.
using ShortDigest = std::array<std::uint8_t, 16>;

/// What makes two edges of a node the same one: kind of edge and label, without the number among twins.
struct LabelKey {
  enum class Class : std::uint8_t { place, number, text, object, atom, digest };
  Step::Kind edge = Step::Kind::key;
  Class label = Class::place;
  Kind kind = Kind::none;    // of an atom that is written by its digest
  std::uint64_t number = 0;  // place, number, atom; else 0
  std::string_view text;     // text, object, atom
  std::array<std::uint8_t, 8> digest{};
  friend std::strong_ordering operator<=>(const LabelKey& a, const LabelKey& b) noexcept;
  friend bool operator==(const LabelKey& a, const LabelKey& b) noexcept { return (a <=> b) == 0; }
};

class Labels {
 public:
  static constexpr std::size_t longest_text = 1024;

  explicit Labels(const Graph& graph) : graph_(&graph) {}

  /// An atom, a value object, a global or a persistent id without parts.
  bool is_leaf(Value value) const;
  LabelKey key_of(const Step& step) const;
  /// Equal for equal keys, and quick.
  std::uint64_t hash_of(const Step& step) const;
  std::optional<std::string_view> text_of(Value label) const;
  /// Of an object that is a key: its attributes, joined by colons, where they are a few short texts and nothing else.
  std::optional<std::string_view> object_text(Value label) const;
  std::string step_text(const Step& step) const;
  /// What `segment` (a path's, without the slash) may mean: the label, and the number among twins.
  struct Meaning {
    LabelKey key;
    std::uint32_t twin = 0;
  };
  /// Whether the step is called by this digest.
  bool has_digest(const Step& step, const std::array<std::uint8_t, 8>& digest) const;
  /// At most three meanings; `text` holds the unescaped text that they view.
  std::vector<Meaning> meanings(std::string_view segment, std::string& text) const;

  /// Appends a leaf's content: equal bytes for equal content.
  void append_leaf(std::string& out, Value leaf) const;
  /// Of the label of a key or member. Objects count by class and id attribute, where they have one.
  ShortDigest digest_of(Value label) const;
  static ShortDigest short_digest(std::string_view bytes);

 private:
  void append_atom(std::string& out, Value atom) const;
  void append_outline(std::string& out, Value node) const;
  std::optional<std::span<const Value>> id_among(std::span<const Value> attributes) const;

  const Graph* graph_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<const char*, ShortDigest> long_texts_;  // by where they stand; one length each
  mutable std::unordered_map<NodeId, ShortDigest> nodes_;
  mutable std::unordered_map<NodeId, std::string> object_texts_;
};

}  // namespace pod::document
