// What names say of a file.
#pragma once

#include <libpod/names.hpp>

namespace pod::policy {

/// `store` or `backend`, with any extension, in any case.
bool is_called_store(const StatePath& path);
/// That, or with the extension of a pickle.
bool is_named_like_state(const StatePath& path);

}  // namespace pod::policy
