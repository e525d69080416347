// In which fields two subtrees differ.
//
//   const DocumentDiff diff = diff_documents({before, queue}, {after, queue}, {.limit = 50});
//   for (const FieldDifference& field : diff.fields) … field.path …
//
// Thread word: safe for different calls. Cost: linear in the subtrees; lists without identity are matched within
// bounds.
#pragma once

#include "document/tree.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::merge {

/// Where a comparison begins, in one of two documents.
struct Side {
  const document::Tree& tree;
  document::Value value;
};

struct FieldDifference {
  enum class Kind { added, removed, changed };
  /// A field and what holds it.
  struct Place {
    document::Value parent;
    document::Value value;
    bool reference = false;  // the value is at home elsewhere
  };
  std::string path;  // below where the comparison began; of the older side where it was removed
  Kind kind = Kind::changed;
  std::optional<Place> before;
  std::optional<Place> after;
};

struct DiffRequest {
  std::size_t limit = 50;  // of fields that are named
  /// Paths below the beginning that somebody else compares, and all that lies below them. Asked of both sides.
  std::function<bool(std::string_view path)> skip = {};
};

struct DocumentDiff {
  std::vector<FieldDifference> fields;  // in the document's order
  std::uint64_t more = 0;               // that many were left out
  bool empty() const noexcept { return fields.empty() && more == 0; }
};

/// The beginnings may be atoms. What was added or removed whole is one field.
DocumentDiff diff_documents(const Side& before, const Side& after, const DiffRequest& request = {});

/// Equal content of two values: atoms and value objects by what they say, others by their subtree's digest.
bool same_content(const Side& before, const Side& after);

}  // namespace pod::merge
