#include "fuzz_input.hpp"

#include "objects/aws_profile.hpp"

#include <libpod/error.hpp>

/// Up to the first NUL the file of credentials, then the configuration.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  const std::size_t nul = text.find('\0');
  const std::string_view credentials = text.substr(0, nul);
  const std::string_view config = nul == text.npos ? std::string_view() : text.substr(nul + 1);
  for (const char* name : {"default", "team"}) {
    try {
      const pod::objects::AwsProfile profile = pod::objects::read_aws_profile(credentials, config, name);
      if (profile.credentials)
        fuzz::must_hold(!profile.credentials->access_key.empty() && !profile.credentials->secret_key.empty(),
                        "a key pair has both halves");
    } catch (const pod::Error& error) {
      fuzz::must_hold(error.code() == pod::ErrorCode::invalid_argument || error.code() == pod::ErrorCode::not_found ||
                          error.code() == pod::ErrorCode::unsupported || error.code() == pod::ErrorCode::refused,
                      "the error is of those that are promised");
    }
  }
  return 0;
}
