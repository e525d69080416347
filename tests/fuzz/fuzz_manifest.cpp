#include "fuzz_input.hpp"

#include "remote/layout.hpp"
#include "remote/manifest.hpp"

#include <libpod/error.hpp>

// Input: one of the three small files of a remote. What is read is written as it was read, and refused is all else.

namespace {

template <class Read, class Write>
void try_as(std::string_view text, Read read, Write write) {
  try {
    const auto value = read(text);
    fuzz::must_hold(write(value) == text, "what is read is written the same");
  } catch (const pod::Error& error) {
    const auto code = error.code();
    fuzz::must_hold(
        code == pod::ErrorCode::corrupt || code == pod::ErrorCode::incompatible || code == pod::ErrorCode::refused,
        "it is damaged, newer or too large");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  try_as(text, pod::remote::parse_format, pod::remote::write_format);
  try_as(text, pod::remote::parse_head, pod::remote::write_head);
  try_as(text, pod::remote::parse_manifest, pod::remote::write_manifest);
  if (const auto place = pod::remote::parse_key(text))
    fuzz::must_hold(place->part == pod::remote::Part::format || place->pod || place->day, "a place says whose it is");
  return 0;
}
