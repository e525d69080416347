#include "fuzz_input.hpp"

#include "git/delta.hpp"

#include <libpod/error.hpp>

#include <algorithm>

// Input: the length of the base (one byte), the base, the delta.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = fuzz::text(data, size).substr(1);
  const std::size_t base = std::min<std::size_t>(data[0], rest.size());
  constexpr std::uint64_t limit = 1 << 20;
  try {
    fuzz::must_hold(pod::git::apply_delta(rest.substr(0, base), rest.substr(base), limit).size() <= limit,
                    "the limit holds");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused,
                    "the error is of the two that are promised");
  }
  return 0;
}
