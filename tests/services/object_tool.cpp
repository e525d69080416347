// Does one thing with a bucket, which the environment names, and says what came of it in one line.
//
//   object_tool probe | create KEY SIZE SEED [NOTES] | replace KEY TEXT VERSION | read KEY | head KEY | list PREFIX
//             | folders PREFIX | remove KEY | now | download KEY SIZE SEED FILE
#include "base/files.hpp"
#include "conformance.hpp"
#include "objects/download.hpp"
#include "objects/s3_store.hpp"

#include <libpod/error.hpp>

#include <cstdlib>
#include <iostream>

using namespace pod;
using namespace pod::objects;

namespace {

std::string variable(const char* name, const char* otherwise = "") {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

/// The system's clock, as far off as the environment says.
struct OffClock final : Clock {
  Time now() const override { return {SystemClock().now().seconds + std::stoll(variable("CLOCK_OFF", "0")), 0}; }
};

std::string run(const std::vector<std::string>& words) {
  OffClock clock;
  Context context;
  context.clock = &clock;
  S3Options options;
  options.prefix = variable("S3_PREFIX", "tool");
  options.parts_from = 6 << 20;
  options.part_size = 5 << 20;
  options.connections = std::stoi(variable("S3_CONNECTIONS", "4"));
  options.http.idle_timeout = std::chrono::milliseconds(std::stoi(variable("S3_IDLE_MS", "30000")));
  options.http.ca_bundle = variable("S3_CA");
  options.http.connect_timeout = std::chrono::milliseconds(30000);
  if (const std::string traits = variable("S3_TRAITS"); !traits.empty()) options.traits = S3Traits::from_json(traits);
  const std::string& what = words.at(0);
  if (what == "create" && words.size() > 4) options.notes = words[4];
  const S3Place place{http::Url::parse(variable("S3_ENDPOINT")), variable("S3_BUCKET"), variable("S3_REGION"), true};
  const S3Credentials credentials{variable("S3_ACCESS_KEY"), variable("S3_SECRET_KEY"), variable("S3_SESSION_TOKEN")};
  const auto store = open_bucket(
      place, [&] { return credentials; }, options, context);

  const auto shown = [](const ObjectInfo& info) { return std::to_string(info.size) + " " + info.version; };
  if (what == "probe") {
    std::string text = store->probe().to_json();
    text.pop_back();
    return text;
  }
  if (what == "now") return std::to_string(store->now());
  if (what == "list" || what == "folders") {
    std::string text;
    if (what == "list")
      store->list(words.at(1), [&](const ListedObject& object) { text += " " + object.key; });
    else
      for (const std::string& name : store->folders(words.at(1))) text += " " + name;
    return text.empty() ? "" : text.substr(1);
  }
  const Key key = Key::parse(words.at(1));
  if (what == "create") {
    const Content content = conformance::pattern(std::stoull(words.at(2)), std::stoull(words.at(3)));
    return store->put_if_absent(key, content) == Creation::created ? "created" : "exists";
  }
  if (what == "replace") {
    const auto info = store->put_if_match(key, Content::of(words.at(2)), words.at(3));
    return info ? shown(*info) : "stale";
  }
  if (what == "read") {
    digest::Sha256 hash;
    const ReadResult result = store->get(key, {}, [&](base::ConstBytes bytes) { hash.update(bytes); });
    return result.status == ReadStatus::absent ? "absent" : shown(result.info) + " " + digest::hex(hash.finish());
  }
  if (what == "head") {
    const auto info = store->head(key);
    return info ? shown(*info) : "absent";
  }
  if (what == "remove") {
    store->remove(key);
    return "removed";
  }
  if (what == "download") {
    const std::uint64_t size = std::stoull(words.at(2));
    download(*store, key, size, conformance::pattern(size, std::stoull(words.at(3))).sha256, words.at(4),
             {4, std::stoull(variable("S3_RANGE", "1048576"))}, context);
    return "downloaded";
  }
  throw Error(ErrorCode::invalid_argument, "unknown word " + quote(what));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::cout << run(std::vector<std::string>(argv + 1, argv + argc)) << "\n";
    return 0;
  } catch (const Error& error) {
    std::cout << code_name(error.code()) << ": " << error.message();
    for (const std::string& cause : error.causes()) std::cout << "; " << cause;
    if (!error.next().empty()) std::cout << " [" << error.next() << "]";
    std::cout << "\n";
    return exit_code(error.code());
  }
}
