// A remote in memory with a clock that a test moves, and short words for what tests say often.
#pragma once

#include "objects/memory_store.hpp"
#include "remote/layout.hpp"
#include "remote/publication.hpp"
#include "remote/uploads.hpp"

#include <libpod/error.hpp>

#include <optional>
#include <string>
#include <vector>

namespace pod::remote::test {

class MovingClock final : public Clock {
 public:
  std::int64_t seconds = 1'790'000'000;
  Time now() const override { return {seconds, 0}; }
};

inline const PodName shop = PodName::parse("shop");
inline const PodName till = PodName::parse("till");

inline Oid tip(char digit) { return Oid::parse(std::string(40, digit)); }

inline std::vector<ManifestRef> refs_of(const PodName& pod, char digit) { return {{pod.branch(), tip(digit)}}; }

inline Upload upload_of(const std::string& text, const std::string& index = {}) {
  Upload upload;
  upload.pack = objects::Content::of(text);
  upload.info.pack = {upload.pack.sha256, text.size()};
  upload.info.objects = 1;
  if (!index.empty()) {
    upload.index = objects::Content::of(index);
    upload.info.index = NamedFile{upload.index->sha256, index.size()};
    upload.info.kind = PackKind::content;
  }
  return upload;
}

struct SmallRemote {
  MovingClock clock;
  Context context = [this] {
    Context made;
    made.clock = &clock;
    return made;
  }();
  objects::MemoryStore store{context};

  std::int64_t now() { return store.now(); }
  void pass(std::int64_t seconds) { clock.seconds += seconds; }

  static PublishOptions options() {
    PublishOptions options;
    options.wait = [](std::chrono::milliseconds) {};
    return options;
  }

  /// Through `through`, on top of what is there.
  Published push(const PodName& pod, char digit, const std::string& pack, objects::ObjectStore& through) {
    const auto state = read_state(through, pod);
    const std::int64_t since = now();
    const auto uploaded = upload(through, since, {upload_of(pack)}, {}, context);
    return publish(through, pod, state, {.refs = refs_of(pod, digit), .packs = uploaded.packs, .since = since},
                   options(), context);
  }
  PodState push(const PodName& pod, char digit, const std::string& pack) {
    return push(pod, digit, pack, store).state.value();
  }
  bool has(const objects::Key& key) { return store.head(key).has_value(); }
};

template <class Call>
std::optional<Error> error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

template <class Call>
ErrorCode code_of(Call call) {
  const auto error = error_of(call);
  return error ? error->code() : ErrorCode::internal;
}

}  // namespace pod::remote::test
