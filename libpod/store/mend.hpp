// Store::repair without the check at its end.
#pragma once

#include "store/engine.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace pod::store {

/// Puts right what can be under the writer lock, says what in `done`, and opens the store. Errors as Store::repair.
std::unique_ptr<Engine> mend_store(const std::filesystem::path& folder, const StoreOptions& options,
                                   std::vector<std::string>& done, const Context& context);

}  // namespace pod::store
