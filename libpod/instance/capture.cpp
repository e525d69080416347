#include "instance/capture.hpp"

#include "archive/archive.hpp"
#include "digest/digest.hpp"
#include "json/json.hpp"
#include "snapshot/archived.hpp"
#include "snapshot/tree_builder.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace pod::instance {
namespace {

constexpr std::string_view listing_name = ".pod/capture.json";
constexpr std::uint64_t max_listing = 64ull << 20;

[[noreturn]] void corrupt(std::string message) { throw Error(ErrorCode::corrupt, std::move(message)); }

bool by_path(const CapturedEntry& a, const CapturedEntry& b) { return a.path < b.path; }

bool is_own(const StatePath& path) { return path.str() == ".pod" || path.str().starts_with(".pod/"); }

/// Everything that is in the archive, read once.
struct Found {
  std::vector<CapturedEntry> entries;  // sorted; without `.pod/`
  std::optional<std::string> listing;
};

Found read_archive(archive::Reader& reader, const Context& context) {
  Found found;
  std::vector<std::byte> buffer(256 * 1024);
  reader.for_each([&](const archive::Entry& entry, base::ByteSource& source) {
    context.cancel->check();
    if (entry.path.str() == listing_name) {
      if (entry.size > max_listing)
        throw Error(ErrorCode::refused,
                    quote(listing_name) + " is larger than " + std::to_string(max_listing) + " bytes");
      found.listing = base::read_all(source, max_listing);
      return;
    }
    if (is_own(entry.path)) return;
    digest::Sha256 hash;
    std::uint64_t size = 0;
    while (const std::size_t count = source.read(buffer)) {
      hash.update(base::ConstBytes(buffer).first(count));
      size += count;
      context.progress->advance(count);
      context.cancel->check();
    }
    found.entries.push_back({entry.path, size, digest::hex(hash.finish()), false});
  });
  std::sort(found.entries.begin(), found.entries.end(), by_path);
  return found;
}

CapturedEntry parse_entry(const json::Value& value) {
  const std::string text = json::string_member(value, "path", listing_name);
  const auto path = [&] {
    try {
      return StatePath::parse(text);
    } catch (Error& error) {
      throw Error(ErrorCode::corrupt, quote(listing_name) + " lists the path " + quote(text)).because(error.message());
    }
  }();
  if (is_own(path)) corrupt(quote(listing_name) + " lists " + quote(text) + ", which is no state");
  CapturedEntry entry{path, json::size_member(value, "size", listing_name),
                      json::string_member(value, "sha256", listing_name),
                      value.contains("omitted") && json::bool_member(value, "omitted", listing_name)};
  if (!digest::is_sha256_hex(entry.sha256)) corrupt(quote(listing_name) + " gives no SHA-256 for " + quote(text));
  return entry;
}

std::vector<CapturedEntry> parse_entries(const json::Value& listing) {
  std::vector<CapturedEntry> entries;
  for (const json::Value& value : json::array_member(listing, "entries", listing_name)) {
    CapturedEntry entry = parse_entry(value);
    if (!entries.empty() && !by_path(entries.back(), entry))
      corrupt(quote(listing_name) + " lists " + quote(entry.path.str()) + " twice or out of order");
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// What was listed is what was found, but for what the caller has.
void compare(const std::vector<CapturedEntry>& listed, const std::vector<CapturedEntry>& found,
             const std::vector<std::string>& have) {
  std::vector<std::string_view> known(have.begin(), have.end());
  std::sort(known.begin(), known.end());
  auto next = found.begin();
  const auto reject_unlisted = [&] {
    corrupt("it holds " + quote(next->path.str()) + ", which " + quote(listing_name) + " does not list");
  };
  for (const CapturedEntry& entry : listed) {
    if (next != found.end() && next->path < entry.path) reject_unlisted();
    const std::string name = quote(entry.path.str());
    const bool is_there = next != found.end() && next->path == entry.path;
    if (entry.omitted) {
      if (is_there) corrupt("it holds " + name + ", which " + quote(listing_name) + " says was left out");
      if (!std::binary_search(known.begin(), known.end(), std::string_view(entry.sha256)))
        corrupt("it leaves out " + name + ", which was not to be left out");
      continue;
    }
    if (!is_there) corrupt("it lacks " + name + ", which " + quote(listing_name) + " lists");
    if (next->size != entry.size)
      corrupt("it has " + std::to_string(next->size) + " bytes of " + name + " in place of " +
              std::to_string(entry.size));
    if (next->sha256 != entry.sha256) corrupt("what it has of " + name + " has another SHA-256 than listed");
    ++next;
  }
  if (next != found.end()) reject_unlisted();
}

std::string digest_of(const std::vector<CapturedEntry>& entries) {
  digest::Sha256 hash;
  for (const CapturedEntry& entry : entries)
    hash.update(entry.sha256).update(" ").update(entry.path.str()).update("\n");
  return digest::hex(hash.finish());
}

/// The part of the listing that `.pod/info.json` has too is read by the room that owns it.
SnapshotInfo parse_info(const json::Value& listing) {
  json::Value part = json::Value::object();
  for (const char* member : {"format", "emulator", "services"})
    if (listing.contains(member)) part[member] = listing[member];
  return snapshot::parse_info(json::canonical(part), listing_name);
}

void check_services(const SnapshotInfo& info, const std::vector<CapturedEntry>& entries) {
  std::set<std::string, std::less<>> seen;
  const auto once = [&](const std::string& service) {
    if (!seen.insert(service).second)
      corrupt(quote(listing_name) + " has the service " + quote(service) + " in two lists");
  };
  for (const std::string& service : info.captured) once(service);
  for (const std::string& service : info.empty) once(service);
  for (const ServiceFailure& failure : info.failed) once(failure.service);
  // An inject touches only what is listed: such a file would be kept and never come back.
  for (const CapturedEntry& entry : entries) {
    const std::string_view service = service_of(entry.path);
    if (!service.empty() && !std::binary_search(info.captured.begin(), info.captured.end(), service))
      corrupt("it holds " + quote(entry.path.str()) + " of a service that " + quote(listing_name) +
              " does not list as captured");
  }
}

}  // namespace

Capture check_archive(const std::filesystem::path& archive, const std::vector<std::string>& have,
                      const Context& context) {
  archive::Reader reader(archive, {}, context);
  Found found = read_archive(reader, context);
  Capture capture;
  if (!found.listing) {
    capture.info = snapshot::read_info(reader);
    capture.entries = std::move(found.entries);
    return capture;
  }
  const json::Value listing = json::parse(*found.listing, listing_name, {.bytes = max_listing});
  if (!listing.is_object()) corrupt(quote(listing_name) + " is no JSON object");
  capture.from_agent = true;
  capture.info = parse_info(listing);
  capture.entries = parse_entries(listing);
  compare(capture.entries, found.entries, have);
  check_services(capture.info, capture.entries);
  capture.digest = digest_of(capture.entries);
  if (capture.digest != json::string_member(listing, "digest", listing_name))
    corrupt("the digest in " + quote(listing_name) + " is not that of its entries");
  return capture;
}

}  // namespace pod::instance
