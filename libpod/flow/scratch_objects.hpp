// Objects beside a store that are gone when the question is answered: what a dry run compares with.
#pragma once

#include "git/object_database.hpp"
#include "git/pack_writer.hpp"

#include <libpod/context.hpp>

#include <filesystem>
#include <memory>

namespace pod::flow {

/// A pack in a folder of the caller's, on top of a store's objects. One thread at a time.
class ScratchObjects {
 public:
  ScratchObjects(const std::filesystem::path& folder, std::shared_ptr<git::ObjectDatabase> store,
                 const Context& context);

  git::PackWriter& pack() noexcept { return pack_; }
  /// Ends the pack; the store's objects and the new ones as one database.
  std::shared_ptr<git::ObjectDatabase> finish();

 private:
  std::filesystem::path objects_;
  std::shared_ptr<git::ObjectDatabase> store_;
  git::PackWriter pack_;
};

}  // namespace pod::flow
