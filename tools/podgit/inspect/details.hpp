// What the details pane says of one row: facts from the inventory, changes of a difference, and the fields of the
// document as far as they were asked for.
#pragma once

#include "content.hpp"

#include <string>
#include <vector>

namespace podgit::inspect {

struct DetailLine {
  enum class Kind {
    fact,
    heading,
    change,
    field,
    more,  // there are further fields
    note,  // a sentence
  };
  Kind kind = Kind::fact;
  Mark mark = Mark::none;
  std::string label;  // as it came: made printable when it is shown
  std::string value;
  std::string path;            // of a field, where its own fields are
  std::uint64_t children = 0;  // of a field
};

/// What a row is, in the order in which people ask.
std::vector<DetailLine> facts_of(const Item& item);
/// A service, or all of them (`service` is nullptr).
std::vector<DetailLine> facts_of(const Content& content, const Service* service);

DetailLine line_of(const pod::Field& field);
/// "added", "removed", "changed"
std::string_view word_of(Mark mark);
/// "before → after" where both are there
std::string text_of(const pod::FieldChange& change, std::string_view arrow);

}  // namespace podgit::inspect
