#include "fuzz_input.hpp"

#include "objects/s3_answer.hpp"

#include <libpod/error.hpp>

using namespace pod::objects;

namespace {

template <class Parse>
void corrupt_or_read(const Parse& parse) {
  try {
    parse();
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt, "the error is the one that is promised");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml = fuzz::text(data, size);
  if (const auto error = parse_error(xml)) fuzz::must_hold(!error->code.empty(), "an error has a code");
  corrupt_or_read([&] {
    const S3List list = parse_list(xml);
    fuzz::must_hold(!list.truncated || !list.next.empty(), "what goes on says how");
    for (const S3ListedObject& object : list.objects) fuzz::must_hold(object.key.size() <= 4096, "a key is bounded");
  });
  corrupt_or_read([&] {
    const S3Parts parts = parse_parts(xml);
    for (const S3Part& part : parts.parts) fuzz::must_hold(part.number >= 0, "a part's number is one");
  });
  corrupt_or_read([&] { fuzz::must_hold(!parse_upload(xml).empty(), "an upload has an id"); });
  parse_iso_time(xml);
  parse_http_date(xml);
  return 0;
}
