#include "flow/posted_file.hpp"

#include "document/pickle.hpp"
#include "policy/policy.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <optional>
#include <span>

namespace pod::flow {
namespace {

using document::Format;

constexpr std::size_t head_size = 4096;

const policy::Options options{.limits = {.bytes = judged_limit}};

/// The bytes that were read ahead, then the rest.
class Rejoined final : public base::ByteSource {
 public:
  Rejoined(std::string_view head, base::ByteSource& rest) : head_(head), rest_(rest) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const std::size_t count = head_.read(buffer);
    return count > 0 ? count : rest_.read(buffer);
  }

 private:
  base::MemorySource head_;
  base::ByteSource& rest_;
};

Error refusal(const Trust& trust, std::string message) {
  Error error(ErrorCode::refused, std::move(message));
  error.keeping("the instance was not changed");
  if (!trust.name.empty()) error.hint("see what it is with: podgit verify " + printable(trust.name));
  return error;
}

std::string named(const Trust& trust) { return trust.name.empty() ? std::string("the state") : quote(trust.name); }

std::string told(const Judgement& judgement, const Concern& concern) {
  return quote(judgement.path.str()) + " at offset " + std::to_string(concern.offset) + ": " +
         printable(concern.reason);
}

void enforce(const Judgement& judgement, const Trust& trust) {
  const bool refused = judgement.verdict == Verdict::refuse;
  if (!refused && (judgement.verdict == Verdict::accept || trust.of_review)) return;
  Error error = refusal(
      trust, refused ? named(trust) + " is not safe to inject" : named(trust) + " holds what nobody vouches for");
  constexpr std::size_t told_at_most = 3;
  for (const Concern& concern : judgement.concerns)
    if (concern.verdict == judgement.verdict && error.causes().size() < told_at_most)
      error.because(told(judgement, concern));
  if (error.causes().empty()) error.because(quote(judgement.path.str()));
  if (!refused && !trust.name.empty())
    error.hint("see what it is with: podgit verify " + printable(trust.name) + "; then inject it with --trust");
  throw error;
}

std::string written_again(const document::Graph& graph, Format format, const StatePath& path, const Trust& trust) {
  try {
    return reading::write_again(graph, format, judged_limit);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported && error.code() != ErrorCode::refused) throw;
    throw refusal(trust, named(trust) + " cannot be injected")
        .because(quote(path.str()) + " cannot be written again: " + error.message());
  }
}

/// A pickle as whatever an emulator would take for one; nothing for other formats.
std::optional<document::Graph> read_as_pickle(const std::string& file, Format format, const StatePath& path) {
  if (!reading::is_pickle(format) && format != Format::opaque) return std::nullopt;
  try {
    if (format == Format::opaque) return document::read_pickle(file, path.str(), options.limits);
    return document::read(file, format, path.str(), options.limits);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::refused) throw;
    return std::nullopt;
  }
}

std::string judged(std::string file, const StatePath& path, const Trust& trust) {
  const Format format = document::detect(file);
  if (const auto graph = read_as_pickle(file, format, path)) {
    const Format read_as = format == Format::opaque ? Format::pickle : format;
    enforce(policy::judge(*graph, read_as, path, options), trust);
    return written_again(*graph, read_as, path, trust);
  }
  enforce(policy::judge(file, path, options), trust);
  if (reading::is_pickle(format))
    throw refusal(trust, named(trust) + " cannot be injected").because(quote(path.str()) + " cannot be read");
  return file;
}

}  // namespace

void post_file(const StatePath& path, std::uint64_t size, base::ByteSource& source, const Trust& trust,
               const std::function<void(std::uint64_t size, base::ByteSource&)>& post) {
  std::string head(std::min<std::uint64_t>(size, head_size), '\0');
  head.resize(base::read_fully(source, std::as_writable_bytes(std::span(head))));
  Rejoined whole(head, source);
  if (!policy::needs_whole_file(path, head)) return post(size, whole);
  if (size > judged_limit)
    throw refusal(trust, named(trust) + " is not safe to inject")
        .because(quote(path.str()) + " has " + std::to_string(size) + " bytes: too large to be judged");
  const std::string file = judged(base::read_all(whole, size), path, trust);
  base::MemorySource posted(file);
  post(file.size(), posted);
}

}  // namespace pod::flow
