// A model's file from a stranger: what decodes encodes to a fixed point and reads as JSON.
#include "fuzz_input.hpp"

#include "json/json.hpp"
#include "metamodel/metamodel.hpp"

#include <libpod/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pod::StatePath path = pod::StatePath::parse("api_states/123456789012/sqs/us-east-1/backend.state");
  const std::string_view input = fuzz::text(data, size);
  try {
    const pod::metamodel::ModelFile model = pod::metamodel::decode(input, path);
    const std::string once = pod::metamodel::encode(model.reading, model.rules);
    fuzz::must_hold(pod::json::canonical(pod::json::parse(once, "model")) == once, "what is encoded is canonical JSON");
    const pod::metamodel::ModelFile again = pod::metamodel::decode(once, path);
    fuzz::must_hold(pod::metamodel::encode(again.reading, again.rules) == once, "encoding is a fixed point");
    fuzz::must_hold(again.reading.resources.size() == model.reading.resources.size(), "no resource is lost");
  } catch (const pod::Error& error) {
    const pod::ErrorCode code = error.code();
    fuzz::must_hold(
        code == pod::ErrorCode::corrupt || code == pod::ErrorCode::refused || code == pod::ErrorCode::incompatible,
        "the error is of those that are promised");
  }
  return 0;
}
