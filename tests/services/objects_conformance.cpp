// The conformance suite of stores against a real bucket, which the environment names: S3_ENDPOINT, S3_REGION,
// S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET.
#include "base/files.hpp"
#include "conformance.hpp"
#include "objects/signed_urls.hpp"

#include <libpod/error.hpp>

#include <atomic>
#include <cstdlib>

namespace pod::objects::conformance {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw Error(ErrorCode::invalid_argument, std::string(name) + " is not set");
  return value;
}

S3Traits traits() {
  static const S3Traits found = [] {
    S3Options options;
    options.prefix = "traits";
    const S3Place place{http::Url::parse(variable("S3_ENDPOINT")), variable("S3_BUCKET"), variable("S3_REGION"), true};
    const auto store = open_bucket(
        place,
        [] {
          return S3Credentials{variable("S3_ACCESS_KEY"), variable("S3_SECRET_KEY"), ""};
        },
        options);
    return store->probe();
  }();
  return found;
}

/// A prefix of its own in the bucket.
struct BucketPlace final : Place {
  BucketPlace() : prefix("conformance/" + digest::hex(digest::random_bytes(6))) {}
  std::unique_ptr<ObjectStore> open(const Context& context) override {
    S3Options options;
    options.prefix = prefix;
    options.traits = traits();
    options.notes = notes.path();
    options.parts_from = 6 << 20;
    options.part_size = 5 << 20;
    const S3Place place{http::Url::parse(variable("S3_ENDPOINT")), variable("S3_BUCKET"), variable("S3_REGION"), true};
    return open_bucket(
        place,
        [] {
          return S3Credentials{variable("S3_ACCESS_KEY"), variable("S3_SECRET_KEY"), ""};
        },
        options, context);
  }
  const std::string prefix;
  base::TempFolder notes{std::filesystem::temp_directory_path(), "pod-notes-"};
};

/// The same through requests that somebody else signs.
struct SignedPlace final : Place {
  std::unique_ptr<ObjectStore> open(const Context& context) override {
    S3Options options;
    options.prefix = prefix;
    options.traits = traits();
    options.parts_from = 6 << 20;
    options.part_size = 5 << 20;
    const S3Place place{http::Url::parse(variable("S3_ENDPOINT")), variable("S3_BUCKET"), variable("S3_REGION"), true};
    const Authorise sign = sign_for(place, [] {
      return S3Credentials{variable("S3_ACCESS_KEY"), variable("S3_SECRET_KEY"), ""};
    });
    const auto give = [sign](const S3Request& request) -> std::optional<SignedUrl> {
      const std::int64_t now = SystemClock().now().seconds;
      SignedRequest made = sign(request, now, false);
      return SignedUrl{std::move(made.url), std::move(made.headers), now + 300};
    };
    return open_signed("signed", give, options, context);
  }
  const std::string prefix = "signed/" + digest::hex(digest::random_bytes(6));
};

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{{"bucket", [] { return std::make_unique<BucketPlace>(); }, (23 << 20) + 5},
                                     {"signed", [] { return std::make_unique<SignedPlace>(); }, (13 << 20) + 5}};
  return all;
}

}  // namespace pod::objects::conformance
