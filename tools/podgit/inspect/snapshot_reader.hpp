// The browser's world: the versions of a store, and what is no version (an instance, a folder, an archive).
#pragma once

#include "../envelope.hpp"
#include "../session.hpp"
#include "../side.hpp"
#include "selection.hpp"
#include "state_reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podgit::inspect {

/// "shop:3  2026-11-22 14:05  first"
std::string title_of(const Side& side);

class SnapshotReader final : public StateReader {
 public:
  /// `selection` narrows every version that is opened; its text is the browser's to apply.
  SnapshotReader(Session& session, Side side, Selection selection);

  Content content() const;
  std::vector<VersionLine> versions() override;
  Content open(const std::string& version) override;
  Content compare(const std::string& version, const Content& now) override;
  std::vector<pod::Field> fields(const pod::StatePath& file, std::string_view path, std::size_t first,
                                 std::size_t limit) override;
  std::string save(const std::string& file, const std::vector<const Item*>& items) override;

 private:
  pod::Context quiet() const;
  Content content_of(const Side& side) const;
  const pod::Document& document(const pod::StatePath& file);

  Session& session_;
  Side side_;
  Selection selection_;
  std::optional<pod::StatePath> document_file_;
  std::optional<pod::Document> document_;  // the last one that was asked for
};

/// What `e` writes: one resource with its content, or the rows of a service.
Json json_of(const Item& item);

}  // namespace podgit::inspect
