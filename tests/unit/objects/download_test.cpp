#include "objects/download.hpp"
#include "conformance.hpp"
#include "objects/counting_store.hpp"
#include "objects/fault_store.hpp"
#include "objects/memory_store.hpp"
#include "objects/shared_folder.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <fstream>

namespace pod::objects {
namespace {

using conformance::pattern;
using conformance::pattern_text;

struct Fetch {
  explicit Fetch(std::uint64_t wanted_size = 1'000'000) : size(wanted_size), content(pattern(size, 1)) {
    memory.put_if_absent(key, content);
    options.range = 100'000;
  }
  void run(ObjectStore& store) { download(store, key, size, content.sha256, file, options); }
  bool whole() const { return base::read_file(file, size + 1) == pattern_text(size, 1); }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder.path())) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  ErrorCode code_of(ObjectStore& store) {
    try {
      run(store);
    } catch (const Error& error) {
      return error.code();
    }
    FAIL("nothing was thrown");
    return ErrorCode::internal;
  }

  std::uint64_t size;
  Content content;
  Key key = Key::parse("packs/x");
  MemoryStore memory;
  DownloadOptions options;
  base::TempFolder folder{fs::temp_directory_path(), "pod-objects-"};
  fs::path file = folder.path() / "x";
};

TEST_CASE("an object comes in ranges, and lies there whole") {
  for (const std::uint64_t size : {0u, 1u, 100'000u, 100'001u, 1'000'000u}) {
    Fetch fetch(size);
    CountingStore counting(fetch.memory);
    fetch.run(counting);
    CHECK(fetch.whole());
    CHECK(fetch.names() == std::vector<std::string>{"x"});
    CHECK(counting.calls() == (size + 99'999) / 100'000);
    CHECK(counting.bytes_read() == size);
  }
}

TEST_CASE("a broken download asks for what is missing only") {
  Fetch fetch;
  fetch.options.connections = 1;
  FaultStore faulty(fetch.memory, nth(Call::get, 7, {Fault::Effect::lost_request, {}}));
  CHECK(fetch.code_of(faulty) == ErrorCode::unreachable);
  CHECK(fetch.names() == std::vector<std::string>{"x.part", "x.part-note"});
  CountingStore counting(fetch.memory);
  fetch.run(counting);
  CHECK(counting.calls(Call::get) == 4);
  CHECK(fetch.whole());
  CHECK(fetch.names() == std::vector<std::string>{"x"});
}

TEST_CASE("what went bad since then is fetched again") {
  Fetch fetch;
  FaultStore faulty(fetch.memory, nth(Call::get, 9, {Fault::Effect::cut, {}}));
  CHECK(fetch.code_of(faulty) == ErrorCode::unreachable);
  SUBCASE("bytes that the disk lost") {
    std::fstream(fetch.folder.path() / "x.part", std::ios::in | std::ios::out) << "bad";
  }
  SUBCASE("a file that was cut") { fs::resize_file(fetch.folder.path() / "x.part", 50); }
  SUBCASE("a note that says nothing") { std::ofstream(fetch.folder.path() / "x.part-note") << "?"; }
  SUBCASE("a note of something else") { std::ofstream(fetch.folder.path() / "x.part-note") << std::string(5000, '1'); }
  fetch.run(fetch.memory);
  CHECK(fetch.whole());
}

TEST_CASE("an object that is another one is refused, and nothing stays") {
  Fetch fetch;
  SUBCASE("other bytes") { fetch.content.sha256[0] ^= 1; }
  SUBCASE("shorter") { fetch.size += 1; }
  SUBCASE("longer") { fetch.size -= 1; }
  CHECK(fetch.code_of(fetch.memory) == ErrorCode::corrupt);
  CHECK(fetch.names().empty());
}

TEST_CASE("an object that is not there is not found, and nothing stays") {
  Fetch fetch;
  fetch.memory.remove(fetch.key);
  CHECK(fetch.code_of(fetch.memory) == ErrorCode::not_found);
  CHECK(fetch.names().empty());
}

TEST_CASE("two do not fetch one file at once") {
  Fetch fetch;
  const base::Fd theirs = base::open_file(fetch.folder.path() / "x.part", O_RDWR | O_CREAT);
  REQUIRE(::flock(theirs.get(), LOCK_EX) == 0);
  CHECK(fetch.code_of(fetch.memory) == ErrorCode::busy);
  CHECK(fetch.names() == std::vector<std::string>{"x.part"});
}

TEST_CASE("of an object that is longer than it should be, no more is read than was to come") {
  Fetch fetch(50'000);
  fetch.size = 40'000;
  CountingStore counting(fetch.memory);
  CHECK(fetch.code_of(counting) == ErrorCode::corrupt);
  CHECK(counting.bytes_read() == 40'000);
}

}  // namespace
}  // namespace pod::objects
