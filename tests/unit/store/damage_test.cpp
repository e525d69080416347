// Bits flipped and files cut, anywhere in a store: never other bytes than were committed, never a crash; a check finds
// it; a repair makes nothing worse, and stock git agrees where nothing was lost.
//
// PODGIT_DAMAGES says how many damages are tried in each of the three stores (30), PODGIT_SEED which.
#include "store/store_world.hpp"

#include "base/ascii.hpp"
#include "digest/digest.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

using namespace pod::store::test;
namespace fs = std::filesystem;
namespace git = pod::git;
using pod::Finding;
using pod::Store;

namespace {

unsigned long number_of(const char* variable, unsigned long otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0' ? std::strtoul(text, nullptr, 10) : otherwise;
}

/// What each file of each version holds: "shop:2" and the path.
using Content = std::map<std::pair<std::string, std::string>, std::string>;

/// Pods with versions that share files, a large one in chunks, one that was deleted, one that was set back, sidecars.
void fill(Store& store) {
  for (int version = 1; version <= 5; ++version) {
    const std::string text = git::test::text(3000, 7) + std::to_string(version);
    std::string large = git::test::noise(1'200'000, 9);
    large.replace(100'000, 5, text.substr(text.size() - 5));
    commit(store, "shop", {{"a/state", text}, {"a/same", "the same"}, {"large", version < 3 ? large : large + text}});
  }
  for (int version = 1; version <= 3; ++version)
    commit(store, "second", {{"file", git::test::text(2000, 7 + static_cast<unsigned>(version))}});
  commit(store, "gone", "x");
  store.remove(pod::PodName::parse("gone"));
  store.copy(pod::PodRef::parse("shop:2"), pod::PodName::parse("back"), false);
  store.copy(pod::PodRef::parse("second"), pod::PodName::parse("back"), true);
  for (const char* name :
       {"pod/captures", "pod/stat/0123456789abcdef0123456789abcdef", "pod/numbers/0123456789abcdef0123456789abcdef"}) {
    std::string bytes = git::test::noise(500);
    const pod::Oid sum = pod::digest::Sha1().update(bytes).finish();
    bytes.append(reinterpret_cast<const char*>(sum.bytes().data()), pod::Oid::size);
    write_file(store.path() / name, bytes);
  }
}

Content content_of(const Store& store) {
  Content all;
  for (const auto& pod : store.pods())
    store.log(pod::PodRef::latest(pod.name), [&](const pod::Version& version) {
      const pod::Snapshot snapshot = store.snapshot(version);
      for (const pod::FileEntry& file : snapshot.files())
        all[{version.str(), file.path.str()}] = snapshot.read(file.path);
      return true;
    });
  return all;
}

/// How much of `expected` can be read; what is read is nothing else.
std::size_t check_reading(const fs::path& path, const Content& expected) {
  std::size_t good = 0;
  std::optional<Store> store;
  if (error_of([&] { store.emplace(Store::open(path)); })) return 0;
  static_cast<void>(error_of([&] { static_cast<void>(store->pods()); }));
  for (const auto& file : expected) {  // clang 14 captures no structured binding
    const auto& place = file.first;
    const auto& content = file.second;
    static_cast<void>(error_of([&] {
      const pod::Version version = store->resolve(pod::PodRef::parse(place.first));
      CHECK(version.str() == place.first);
      const std::string bytes = store->snapshot(version).read(pod::StatePath::parse(place.second));
      CHECK_MESSAGE(bytes == content, place.first << " " << place.second << " was read with other bytes");
      ++good;
    }));
  }
  return good;
}

std::vector<fs::path> files_of(const fs::path& store) {
  std::vector<fs::path> files;
  for (const fs::path& file : git::test::files_below(store))
    if (fs::file_size(file) > 0) files.push_back(file.lexically_relative(store));
  std::sort(files.begin(), files.end());
  return files;
}

/// Flips bits, cuts, or blanks a stretch; in words.
std::string damage(const fs::path& file, std::mt19937& random) {
  std::string bytes = read_file(file);
  const std::size_t at = random() % bytes.size();
  std::string what;
  switch (random() % 5) {
    case 0:
      bytes.resize(at);
      what = "cut to " + std::to_string(at);
      break;
    case 1: {
      const std::size_t length = std::min<std::size_t>(1 + random() % 4096, bytes.size() - at);
      bytes.replace(at, length, length, '\0');
      what = "zeros from " + std::to_string(at) + ", " + std::to_string(length);
      break;
    }
    default: {
      const auto bit = static_cast<unsigned>(random() % 8);
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1u << bit));
      what = "bit " + std::to_string(bit) + " of byte " + std::to_string(at);
    }
  }
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write, fs::perm_options::add);
  write_file(file, bytes);
  return what;
}

/// Why a damage that no check found does no harm; empty where there is no such reason.
std::string reason_of(const std::string& file, const std::string& before, const std::string& after) {
  const auto trimmed = [](std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
  };
  if (before == after) return "it changed nothing";
  if (file == "pod/lock") return "the text of the lock is for messages";
  if (file == "pod/removals") return "a count by which notes of folders are believed or not";
  if (file == "config") return "a configuration has no checksum; what a store needs of it is compared";
  if (file == "description" || file == "objects/info/packs" || file == "info/refs" || file == "gc.log")
    return "nobody reads it but stock git's oldest way of transport";
  if (file == "packed-refs" &&
      before.substr(before.find('\n')) == after.substr(std::min(after.size(), after.find('\n'))))
    return "a comment";
  if (trimmed(before) == trimmed(after)) return "the end of a line";
  if (file.starts_with("refs/") && pod::base::lower(trimmed(before)) == pod::base::lower(trimmed(after)))
    return "an id in upper case is the same id";
  if (file.starts_with("objects/") && file.size() == 8 + 41) return "bits of a loose object's stream that mean nothing";
  if (file == "pod/journal" && after.ends_with('\n') && before.starts_with(after))
    return "a journal that ends earlier, and agrees with the refs";
  return {};
}

void try_damages(const fs::path& original, unsigned long rounds, std::mt19937& random) {
  const pod::base::TempFolder folder(memory_folder(), "pod-damage-");
  const fs::path work = folder.path() / "store";
  const Content expected = content_of(Store::open(original));
  REQUIRE(check_reading(original, expected) == expected.size());
  for (const Finding& finding : Store::open(original).check(true))
    if (finding.level != Finding::Level::ok) FAIL(finding.check << ": " << finding.detail);
  const std::vector<fs::path> files = files_of(original);
  std::map<std::string, int> harmless;
  int found = 0, whole = 0;
  for (unsigned long round = 0; round < rounds; ++round) {
    fs::remove_all(work);
    fs::copy(original, work, fs::copy_options::recursive);
    const std::string file = files[random() % files.size()].native();
    const std::string before = read_file(work / file);
    const std::string what = damage(work / file, random);
    CAPTURE(round);
    CAPTURE(file);
    CAPTURE(what);
    const std::size_t readable = check_reading(work, expected);
    bool noticed = false;
    const auto error = error_of([&] {
      for (const Finding& finding : Store::open(work).check(true))
        noticed = noticed || finding.level != Finding::Level::ok;
    });
    if (error) CHECK((error->code() == pod::ErrorCode::corrupt || error->code() == pod::ErrorCode::incompatible));
    noticed = noticed || error;
    const std::string reason = noticed ? std::string() : reason_of(file, before, read_file(work / file));
    if (!noticed) {
      CHECK_MESSAGE(!reason.empty(), "no check found it");
      CHECK_MESSAGE(readable == expected.size(), "no check found it, and something cannot be read");
      ++harmless[reason];
    }
    found += noticed;

    pod::RepairReport report;
    const auto refused = error_of([&] { report = Store::repair(work); });
    if (refused) {
      // A format file of which too little is left to know that it is one, a configuration that names an extension.
      CHECK_MESSAGE((file == "pod/format" || file == "config"), refused->message());
      continue;
    }
    const std::size_t after = check_reading(work, expected);
    CHECK_MESSAGE(after >= readable, "a repair made something unreadable");
    const bool lost = std::any_of(report.remaining.begin(), report.remaining.end(),
                                  [](const Finding& finding) { return finding.level == Finding::Level::fail; });
    if (lost) {
      CHECK(after < expected.size());
      continue;
    }
    ++whole;
    // Stock git may trip over what nobody needs in a configuration.
    if (file == "config" && !noticed) continue;
    check_with_git(Store::open(work));
    Store store = Store::open(work);
    const auto newest = store.resolve(pod::PodRef::parse("second")).number;
    CHECK(commit(store, "second", "next").number == newest + 1);
  }
  std::string reasons;
  for (const auto& [reason, count] : harmless) reasons += "; " + std::to_string(count) + ": " + reason;
  MESSAGE(rounds << " damages in " << files.size() << " files: " << found << " found, " << whole
                 << " stores without a loss after a repair" << reasons);
}

}  // namespace

TEST_CASE("damage anywhere in a store is found, never gives other bytes, and a repair makes nothing worse") {
  const unsigned long seed = number_of("PODGIT_SEED", 1);
  const unsigned long rounds = number_of("PODGIT_DAMAGES", 30);
  std::mt19937 random(static_cast<unsigned>(seed));
  MESSAGE("PODGIT_SEED=" << seed);
  const pod::base::TempFolder folder(memory_folder(), "pod-damage-");
  const fs::path path = folder.path() / "store";
  Store store = Store::init(path);
  fill(store);
  SUBCASE("as podgit leaves it") { try_damages(path, rounds, random); }
  SUBCASE("as a gc leaves it") {
    store.gc({});
    try_damages(path, rounds, random);
  }
  SUBCASE("as stock git leaves it") {
    git::test::stock_git(path, {"gc", "-q"});
    // And an object of its own that is loose.
    git::test::stock_git(path, {"hash-object", "-w", "--stdin"}, git::test::text(3000, 11));
    commit(store, "second", "on top");
    try_damages(path, rounds, random);
  }
}
