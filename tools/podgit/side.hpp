// What a command compares or looks into: a version of the store, a running instance, a directory or an archive.
#pragma once

#include "session.hpp"

#include <libpod/snapshot.hpp>
#include <libpod/store.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace podgit {

struct Side {
  std::string name;                     // "shop:3", "http://localhost:4566", "./state"
  std::optional<pod::Version> version;  // none for what is in no store
  pod::Snapshot snapshot;
};

/// A URL is an instance; what starts with "/", "./" or "../" a file; then what the store has under this name, then a
/// file of it. Error(not_found) that says what there is.
Side side_of(Session& session, const std::string& text);
Side side_of(const pod::Store& store, const pod::Version& version);

}  // namespace podgit
