// Git's deltas: how to make an object from another one.
//
//   delta = size of the base, size of the result (7 bits a byte, lowest first), then instructions:
//           1xxxxxxx  copy: bits 0-3 say which offset bytes follow, bits 4-6 which size bytes; size 0 is 64 KiB
//           0xxxxxxx  insert: the next x bytes; 0 is reserved
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pod::git {

struct DeltaSizes {
  std::uint64_t base = 0;
  std::uint64_t result = 0;
};

/// From the first bytes of a delta; takes them off `delta`. Error(corrupt).
DeltaSizes take_delta_sizes(std::string_view& delta);

/// The result; Error(corrupt) where the delta does not fit `base` or itself, Error(refused) past `limit`.
std::string apply_delta(std::string_view base, std::string_view delta, std::uint64_t limit);

}  // namespace pod::git
