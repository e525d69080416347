#include "reading/state_file.hpp"

#include "base/beside.hpp"
#include "digest/digest.hpp"
#include "document/pickle.hpp"
#include "document/same_document.hpp"
#include "document/tree.hpp"
#include "metamodel/metamodel.hpp"
#include "policy/policy.hpp"

#include <libpod/error.hpp>

namespace pod::reading {
namespace {

using document::Format;
using document::Graph;

StateReading placed(const StatePath& path, std::uint64_t bytes) {
  metamodel::Place place = metamodel::place_of(path);
  StateReading reading{.path = path};
  reading.account = std::move(place.account);
  reading.region = std::move(place.region);
  reading.service = std::move(place.service);
  reading.format = document::format_name(Format::opaque);
  reading.bytes = bytes;
  return reading;
}

std::string said(const Error& error) {
  std::string text = printable(error.message());
  for (const std::string& cause : error.causes()) text += ": " + printable(cause);
  return text;
}

/// From this size on the questions to a document are answered by several threads.
constexpr std::size_t worth_a_thread = std::size_t{256} << 10;
bool is_large(const Graph& graph) { return graph.file().size() >= worth_a_thread; }

/// What the document says. Judged by the policy in its own way: it may read JSON as something else.
void fill(StateReading& reading, const Graph& graph, Format format) {
  auto digest = base::beside(is_large(graph), [&] { return document::canonical_digest(graph); });
  const document::Tree tree(graph);
  metamodel::StateModel model = metamodel::extract(tree, {reading.account, reading.region, reading.service});
  reading.resources = std::move(model.resources);
  reading.unmapped = std::move(model.unmapped);
  reading.verdict = policy::judge(graph, format, reading.path).verdict;
  reading.digest = digest.get();
}

StateReading not_read(StateReading reading, std::string file, std::string reason) {
  reading.digest = digest::hex(digest::sha256(file));
  reading.not_read = std::move(reason);
  reading.verdict = policy::judge(std::move(file), reading.path).verdict;
  return reading;
}

/// The digests are asked only where a quicker look leaves it open.
bool says_the_same(const Graph& one, const Graph& other) {
  return document::same_document(one, other) || document::canonical_digest(one) == document::canonical_digest(other);
}

/// Whether there is a canonical writing. Then the reading is of it: what is stored is what is described.
bool make_canonical(StateFile& out, const Graph& graph, Format format) {
  if (graph.end() < graph.file().size()) {
    out.not_written = "something follows the pickle";
    return false;
  }
  try {
    std::string again = write_again(graph, format);
    const std::uint64_t size = again.size();
    const Graph read_back = document::read(again, format, out.reading.path.str());
    auto same = base::beside(is_large(graph), [&] { return says_the_same(read_back, graph); });
    StateReading reading = out.reading;
    fill(reading, read_back, format);
    if (!same.get()) {
      out.not_written = "libpod's writing of it does not say the same";
      return false;
    }
    out.reading = std::move(reading);
    out.reading.bytes = size;
    out.canonical = std::move(again);
    return true;
  } catch (const Error& error) {
    out.not_written = said(error);
    return false;
  }
}

}  // namespace

bool is_pickle(Format format) noexcept { return format == Format::pickle || format == Format::tagged_pickle; }

bool is_state_file(const StatePath& path) {
  if (path.str().starts_with(".pod/")) return false;
  return policy::role_of(path) == policy::Role::state || path.str().ends_with(".db") || path.str().ends_with(".sqlite");
}

std::string write_again(const Graph& graph, Format format, std::uint64_t limit) {
  std::string out = document::write_pickle(graph);
  if (format == Format::tagged_pickle) out.insert(out.begin(), graph.file().front());
  if (out.size() > limit)
    throw Error(ErrorCode::refused, "libpod's writing of it has " + std::to_string(out.size()) + " bytes, more than " +
                                        std::to_string(limit));
  return out;
}

StateFile read_state_file(std::string file, const StatePath& path, bool write) {
  StateFile out{.reading = placed(path, file.size()), .canonical = std::nullopt, .not_written = {}};
  const Format format = document::detect(file);
  out.reading.format = document::format_name(format);
  if (format == Format::opaque) {
    out.reading = not_read(std::move(out.reading), std::move(file), "it has a format that is not known");
    return out;
  }
  try {
    const Graph graph = document::read(file, format, path.str());
    if (!write || !is_pickle(format) || !make_canonical(out, graph, format)) fill(out.reading, graph, format);
  } catch (const Error& error) {
    out.not_written = is_pickle(format) ? said(error) : std::string();
    out.reading = not_read(std::move(out.reading), std::move(file), said(error));
  }
  return out;
}

StateReading unread(const StatePath& path, std::uint64_t bytes, std::string sha256) {
  StateReading reading = placed(path, bytes);
  reading.digest = std::move(sha256);
  reading.not_read = "it has " + std::to_string(bytes) + " bytes, more than " + std::to_string(size_limit);
  reading.verdict = Verdict::refuse;
  return reading;
}

}  // namespace pod::reading
