#include "fuzz_input.hpp"

#include "json/json.hpp"

#include <libpod/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pod::json::Limits limits{.bytes = 1 << 20, .depth = 16, .values = 1000};
  try {
    const pod::json::Value value = pod::json::parse(fuzz::text(data, size), "input", limits);
    const std::string once = pod::json::canonical(value);
    // A float may grow when it is written out (1e99), never the structure.
    const pod::json::Value again = pod::json::parse(once, "canonical", {.bytes = 1 << 25, .depth = 16, .values = 1000});
    fuzz::must_hold(pod::json::canonical(again) == once, "the canonical form is a fixed point");
    pod::json::find_string(value, "a");
    pod::json::size_member(value, "n", "input");
    pod::json::strings_member(value, "s", "input");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused,
                    "the error is of the two that are promised");
  }
  return 0;
}
