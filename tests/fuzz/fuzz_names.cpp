#include "fuzz_input.hpp"

#include "base/utf8.hpp"

#include <libpod/error.hpp>
#include <libpod/names.hpp>

#include <algorithm>

namespace {

bool is_safe_to_show(const std::string& text) {
  return pod::base::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

void parse(const auto& call) {
  try {
    call();
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::invalid_argument, "a bad name is an invalid argument");
    fuzz::must_hold(is_safe_to_show(error.message()), "a message is safe to show");
    fuzz::must_hold(error.message().size() < 1000, "a message is short");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  parse([&] { fuzz::must_hold(pod::PodName::parse(text).str() == text, "a name is what was written"); });
  parse([&] {
    const pod::PodRef ref = pod::PodRef::parse(text);
    const pod::PodRef again = pod::PodRef::parse(ref.str());
    fuzz::must_hold(again.str() == ref.str() && again.kind() == ref.kind() && again.number() == ref.number(),
                    "a reference reads back");
    fuzz::must_hold(ref.has_pod() == (ref.kind() != pod::PodRef::Kind::revision), "all but a revision name a pod");
  });
  parse([&] { fuzz::must_hold(pod::Oid::parse(text).hex().size() == 40, "an id has 40 digits"); });
  parse([&] {
    const pod::StatePath path = pod::StatePath::parse(text);
    std::string joined;
    for (const std::string_view component : path.components()) {
      fuzz::must_hold(!component.empty() && component != "." && component != "..", "no component leads elsewhere");
      joined += (joined.empty() ? "" : "/") + std::string(component);
    }
    fuzz::must_hold(joined == text, "a path is its components");
  });
  fuzz::must_hold(is_safe_to_show(pod::quote(text)), "a quoted name is safe to show");
  fuzz::must_hold(pod::quote(text).size() < 230, "a quoted name is short");
  fuzz::must_hold(is_safe_to_show(pod::printable(text)), "printable text is safe to show");
  return 0;
}
