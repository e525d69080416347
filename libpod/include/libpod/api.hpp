// What every public header shares: symbol visibility and the library's version.
#pragma once

#include <string_view>

#if defined(__GNUC__)
#define POD_API __attribute__((visibility("default")))
#else
#define POD_API
#endif

namespace pod {

/// Version of the library that is running, "major.minor.patch". Safe from any thread.
POD_API std::string_view version() noexcept;

/// Version of the store format that this library writes, and the newest it reads.
POD_API int store_format() noexcept;

}  // namespace pod
