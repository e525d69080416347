#include "conformance.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

namespace pod::objects::conformance {
namespace {

Key key(std::string_view text) { return Key::parse(text); }

std::string read_text(ObjectStore& store, const Key& key, const ReadOptions& options = {}) {
  std::string text;
  const ReadResult result = store.get(key, options, [&](base::ConstBytes bytes) { text += base::text_of(bytes); });
  REQUIRE(result.status == ReadStatus::read);
  return text;
}

std::vector<std::string> listed(ObjectStore& store, const std::string& prefix) {
  std::vector<std::string> keys;
  store.list(prefix, [&](const ListedObject& object) { keys.push_back(object.key); });
  return keys;
}

template <class Work>
ErrorCode code_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("nothing was thrown");
  return ErrorCode::internal;
}

/// Runs work(0) … work(count - 1) at once.
template <class Work>
void at_once(int count, const Work& work) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      ++ready;
      while (ready < count) std::this_thread::yield();
      work(i);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

// One subcase a store, each in an empty place.
#define EACH_STORE(kind_name, place_name, store_name)                           \
  for (const Kind& kind_name : kinds()) DOCTEST_SUBCASE(kind_name.name.c_str()) \
  if (const auto place_name = kind_name.make())                                 \
    if (const auto store_name = place_name->open(Context()))

TEST_CASE("what is not there is absent, and may be removed") {
  EACH_STORE(kind, place, store) {
    CHECK_FALSE(store->head(key("a/b")));
    CHECK(store->get(key("a/b"), {}, [](base::ConstBytes) {}).status == ReadStatus::absent);
    CHECK_FALSE(read_object(*store, key("a"), 10));
    store->remove(key("a/b"));
    CHECK(listed(*store, "").empty());
    CHECK(listed(*store, "a/").empty());
    CHECK(store->folders("").empty());
    CHECK(store->folders("a/").empty());
  }
}

TEST_CASE("what was created is read back, whole and through every door") {
  EACH_STORE(kind, place, store) {
    const auto other = place->open(Context());
    for (const std::uint64_t size : {0u, 1u, 65536u, 65537u, (1u << 20) + 3}) {
      CAPTURE(size);
      const Key at = key("x/" + std::to_string(size));
      CHECK(store->put_if_absent(at, pattern(size, 7)) == Creation::created);
      const auto read = read_object(*other, at, 2 << 20);
      REQUIRE(read);
      CHECK(read->first == pattern_text(size, 7));
      CHECK(read->second.size == size);
      CHECK_FALSE(read->second.version.empty());
      const auto info = other->head(at);
      REQUIRE(info);
      CHECK(info->size == size);
      CHECK(info->version == read->second.version);
      CHECK(info->version == store->head(at)->version);
    }
  }
}

TEST_CASE("a large content is created whole") {
  EACH_STORE(kind, place, store) {
    const Content content = pattern(kind.large, 1);
    CHECK(store->put_if_absent(key("large"), content) == Creation::created);
    digest::Sha256 hash;
    const auto result = store->get(key("large"), {}, [&](base::ConstBytes bytes) { hash.update(bytes); });
    CHECK(result.info.size == kind.large);
    CHECK(hash.finish() == content.sha256);
    CHECK(store->put_if_absent(key("large"), content) == Creation::exists);
    Content wrong = pattern(kind.large, 2);
    wrong.sha256 = content.sha256;
    CHECK(code_of([&] { store->put_if_absent(key("wrong"), wrong); }) == ErrorCode::corrupt);
    CHECK_FALSE(store->head(key("wrong")));
    CHECK(listed(*store, "") == std::vector<std::string>{"large"});
  }
}

TEST_CASE("a second creation changes nothing") {
  EACH_STORE(kind, place, store) {
    CHECK(store->put_if_absent(key("a"), Content::of("first")) == Creation::created);
    const auto before = store->head(key("a"));
    CHECK(store->put_if_absent(key("a"), Content::of("second")) == Creation::exists);
    CHECK(store->put_if_absent(key("a"), Content::of("first")) == Creation::exists);
    CHECK(read_text(*store, key("a")) == "first");
    CHECK(store->head(key("a"))->version == before->version);
    CHECK(store->head(key("a"))->modified == before->modified);
  }
}

TEST_CASE("a removed object can be created again") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("a/b"), Content::of("first"));
    store->remove(key("a/b"));
    CHECK_FALSE(store->head(key("a/b")));
    CHECK(listed(*store, "").empty());
    CHECK(store->folders("").empty());
    CHECK(store->put_if_absent(key("a/b"), Content::of("second")) == Creation::created);
    CHECK(read_text(*store, key("a/b")) == "second");
  }
}

TEST_CASE("content that is not what its digest says is refused, and leaves nothing") {
  EACH_STORE(kind, place, store) {
    for (const std::uint64_t size : {3u, 200'000u, 2u << 20}) {
      Content wrong = pattern(size, 1);
      wrong.sha256[31] ^= 1;
      CHECK(code_of([&] { store->put_if_absent(key("a/b"), wrong); }) == ErrorCode::corrupt);
      CHECK_FALSE(store->head(key("a/b")));
      CHECK(code_of([&] { store->put_if_match(key("a/b"), wrong, ""); }) == ErrorCode::corrupt);
      CHECK_FALSE(store->head(key("a/b")));
    }
    CHECK(listed(*store, "").empty());
    store->put_if_absent(key("a/b"), Content::of("old"));
    const auto info = store->head(key("a/b"));
    Content wrong = Content::of("new");
    wrong.sha256[0] ^= 1;
    CHECK(code_of([&] { store->put_if_match(key("a/b"), wrong, info->version); }) == ErrorCode::corrupt);
    CHECK(read_text(*store, key("a/b")) == "old");
    CHECK(store->head(key("a/b"))->version == info->version);
  }
}

TEST_CASE("content that ends early or cannot be read leaves nothing") {
  EACH_STORE(kind, place, store) {
    for (const std::uint64_t size : {10u, 300'000u, 2u << 20}) {
      Content cut = pattern(size, 1);
      cut.open = [size](std::uint64_t offset, std::uint64_t length) {
        const std::uint64_t end = size - 1;
        const std::uint64_t from = std::min(offset, end);
        return pattern(0, 1).open(from, std::min(offset + length, end) - from);
      };
      CHECK(code_of([&] { store->put_if_absent(key("a"), cut); }) == ErrorCode::io);
      CHECK(code_of([&] { store->put_if_match(key("a"), cut, ""); }) == ErrorCode::io);

      Content broken = pattern(size, 1);
      broken.open = [](std::uint64_t, std::uint64_t) {
        struct Broken final : base::ByteSource {
          std::size_t read(std::span<std::byte>) override { throw Error(ErrorCode::denied, "the disk says no"); }
        };
        return std::make_unique<Broken>();
      };
      CHECK(code_of([&] { store->put_if_absent(key("a"), broken); }) == ErrorCode::denied);
      CHECK_FALSE(store->head(key("a")));
      CHECK(listed(*store, "").empty());
      CHECK(store->put_if_absent(key("a"), pattern(size, 1)) == Creation::created);
      CHECK(read_text(*store, key("a")) == pattern_text(size, 1));
      store->remove(key("a"));
    }
  }
}

TEST_CASE("only the version that was seen is replaced") {
  EACH_STORE(kind, place, store) {
    const Key head = key("pods/shop/HEAD");
    CHECK_FALSE(store->put_if_match(head, Content::of("0"), "a version of nothing"));
    CHECK_FALSE(store->head(head));
    const auto first = store->put_if_match(head, Content::of("1"), "");
    REQUIRE(first);
    CHECK(first->size == 1);
    CHECK(store->head(head)->version == first->version);
    CHECK_FALSE(store->put_if_match(head, Content::of("2"), ""));
    CHECK_FALSE(store->put_if_match(head, Content::of("2"), "another version"));
    CHECK(read_text(*store, head) == "1");

    const auto other = place->open(Context());
    const auto second = other->put_if_match(head, Content::of("two"), first->version);
    REQUIRE(second);
    CHECK(second->version != first->version);
    CHECK(second->size == 3);
    CHECK_FALSE(store->put_if_match(head, Content::of("3"), first->version));
    const auto read = read_object(*store, head, 10);
    CHECK(read->first == "two");
    CHECK(read->second.version == second->version);
    CHECK(store->put_if_match(head, Content::of("3"), read->second.version));
    CHECK(listed(*store, "") == std::vector<std::string>{"pods/shop/HEAD"});

    store->remove(head);
    CHECK_FALSE(store->put_if_match(head, Content::of("4"), second->version));
    CHECK_FALSE(store->head(head));
  }
}

TEST_CASE("a created object can be replaced, and a replaced one is not created") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("a"), Content::of("1"));
    CHECK(store->put_if_match(key("a"), Content::of("2"), store->head(key("a"))->version));
    CHECK(store->put_if_absent(key("a"), Content::of("3")) == Creation::exists);
    CHECK(read_text(*store, key("a")) == "2");
  }
}

TEST_CASE("larger contents have versions too") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("a"), pattern(1 << 20, 1));
    const std::string before = store->head(key("a"))->version;
    const auto after = store->put_if_match(key("a"), pattern(1 << 20, 2), before);
    REQUIRE(after);
    CHECK(after->version != before);
    CHECK(store->head(key("a"))->version == after->version);
    CHECK_FALSE(store->put_if_match(key("a"), pattern(1 << 20, 3), before));
    CHECK(read_text(*store, key("a")) == pattern_text(1 << 20, 2));
  }
}

TEST_CASE("a range is what it says, cut at the end") {
  EACH_STORE(kind, place, store) {
    const std::string text = pattern_text(300'000, 4);
    store->put_if_absent(key("a"), Content::of(text));
    struct Range {
      std::uint64_t offset;
      std::optional<std::uint64_t> length;
    };
    for (const Range& range :
         {Range{0, 1}, Range{0, 300'000}, Range{1, 299'998}, Range{299'999, 1}, Range{65'536, 65'536}, Range{12, {}},
          Range{299'999, {}}, Range{299'990, 1000}, Range{0, 0}, Range{5, 0}, Range{300'000, {}}, Range{300'000, 7},
          Range{1'000'000, 1}, Range{100, ~std::uint64_t{0}}}) {
      CAPTURE(range.offset);
      ReadOptions options;
      options.offset = range.offset;
      options.length = range.length;
      std::string read;
      const ReadResult result =
          store->get(key("a"), options, [&](base::ConstBytes piece) { read += base::text_of(piece); });
      CHECK(result.status == ReadStatus::read);
      CHECK(result.info.size == 300'000);
      CHECK(result.info.version == store->head(key("a"))->version);
      const std::size_t from = std::min<std::size_t>(range.offset, text.size());
      CHECK(read == text.substr(from, range.length.value_or(text.size())));
    }
    store->put_if_absent(key("empty"), Content::of(""));
    CHECK(read_text(*store, key("empty")).empty());
    ReadOptions beyond;
    beyond.offset = 1;
    CHECK(read_text(*store, key("empty"), beyond).empty());
    beyond.length = 0;
    CHECK(store->get(key("none"), beyond, [](base::ConstBytes) {}).status == ReadStatus::absent);
  }
}

TEST_CASE("a version that is known already is not sent again") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("a"), Content::of("1"));
    ReadOptions options;
    options.unless_version = store->head(key("a"))->version;
    bool called = false;
    const auto sink = [&](base::ConstBytes) { called = true; };
    const ReadResult same = store->get(key("a"), options, sink);
    CHECK(same.status == ReadStatus::unchanged);
    CHECK(same.info.version == options.unless_version);
    CHECK_FALSE(called);
    store->put_if_match(key("a"), Content::of("2"), options.unless_version);
    CHECK(store->get(key("a"), options, sink).status == ReadStatus::read);
    CHECK(called);
    CHECK(store->get(key("none"), options, sink).status == ReadStatus::absent);
  }
}

TEST_CASE("of a version that is gone nothing is read") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("a"), Content::of("1"));
    ReadOptions options;
    options.only_version = store->head(key("a"))->version;
    CHECK(read_text(*store, key("a"), options) == "1");
    store->put_if_match(key("a"), Content::of("2"), options.only_version);
    const auto sink = [](base::ConstBytes) { FAIL("bytes of another version"); };
    CHECK(code_of([&] { store->get(key("a"), options, sink); }) == ErrorCode::conflict);
    CHECK(store->get(key("none"), options, sink).status == ReadStatus::absent);
  }
}

TEST_CASE("a read past its limit is refused before the first byte") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("a"), Content::of("12345"));
    ReadOptions options;
    options.limit = 4;
    bool called = false;
    const auto sink = [&](base::ConstBytes) { called = true; };
    CHECK(code_of([&] { store->get(key("a"), options, sink); }) == ErrorCode::refused);
    CHECK_FALSE(called);
    CHECK(code_of([&] { read_object(*store, key("a"), 4); }) == ErrorCode::refused);
    options.length = 4;
    CHECK(read_text(*store, key("a"), options) == "1234");
    options.limit = 5;
    options.length = 100;
    CHECK(read_text(*store, key("a"), options) == "12345");
    CHECK(read_object(*store, key("a"), 5)->first == "12345");
  }
}

TEST_CASE("what the receiver throws comes through") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("a"), pattern(1 << 20, 1));
    int calls = 0;
    const auto sink = [&](base::ConstBytes) {
      ++calls;
      throw Error(ErrorCode::denied, "enough");
    };
    CHECK(code_of([&] { store->get(key("a"), {}, sink); }) == ErrorCode::denied);
    CHECK(calls == 1);
  }
}

TEST_CASE("a list is complete, in order of keys, and shows objects alone") {
  EACH_STORE(kind, place, store) {
    const std::vector<std::string> keys{
        "a-b/x", "a.b", "a/b/c", "a/b/d", "a/b-c", "a0", "B/c", "b/_y", "b/z.", "deep/1/2/3/4/5/6", "z"};
    for (const std::string& text : keys) store->put_if_absent(key(text), Content::of(text));
    std::vector<std::string> sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    CHECK(listed(*store, "") == sorted);
    CHECK(listed(*store, "a/") == std::vector<std::string>{"a/b-c", "a/b/c", "a/b/d"});
    CHECK(listed(*store, "a/b/") == std::vector<std::string>{"a/b/c", "a/b/d"});
    CHECK(listed(*store, "deep/") == std::vector<std::string>{"deep/1/2/3/4/5/6"});
    CHECK(listed(*store, "none/").empty());
    CHECK(listed(*store, "z/").empty());
    CHECK(store->folders("") == std::vector<std::string>{"B", "a", "a-b", "b", "deep"});
    CHECK(store->folders("a/") == std::vector<std::string>{"b"});
    CHECK(store->folders("deep/1/") == std::vector<std::string>{"2"});
    CHECK(store->folders("a/b/").empty());
    CHECK(store->folders("none/").empty());
    store->list("a/b/", [&](const ListedObject& object) {
      CHECK(object.info.size == object.key.size());
      const auto info = store->head(key(object.key));  // the visitor may ask the store
      REQUIRE(info);
      CHECK(info->modified == object.info.modified);
    });
    for (const char* bad : {"a", "/", "a//", "../", "a/../", " /"})
      CHECK(code_of([&] { listed(*store, bad); }) == ErrorCode::invalid_argument);
    CHECK(code_of([&] { store->folders("a"); }) == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a list is complete however long it is") {
  EACH_STORE(kind, place, store) {
    std::vector<std::string> keys;
    for (int i = 0; i < 1030; ++i) keys.push_back("many/" + std::to_string(1000 + i) + "/x");
    std::atomic<std::size_t> next{0};
    at_once(8, [&](int) {
      for (std::size_t i = next++; i < keys.size(); i = next++) store->put_if_absent(key(keys[i]), Content::of("1"));
    });
    CHECK(listed(*store, "many/") == keys);
    CHECK(store->folders("many/").size() == keys.size());
    CHECK(store->folders("") == std::vector<std::string>{"many"});
  }
}

TEST_CASE("odd keys are keys like others") {
  EACH_STORE(kind, place, store) {
    std::vector<std::string> keys{"-",
                                  "_",
                                  "-rf/--",
                                  "a.lock",
                                  "a.part",
                                  "a.tmp",
                                  "CON/nul.txt",
                                  "A/a.a",
                                  "00/11/22/3",
                                  "now.tmp/x",
                                  "x..y",
                                  "x/y..z",
                                  std::string(200, 'q')};
    std::string longest;
    while (longest.size() < 400) longest += std::string(99, 'k') + "/";
    keys.push_back(longest + std::string(112, 'k'));
    for (const std::string& text : keys) CHECK(store->put_if_absent(key(text), Content::of(text)) == Creation::created);
    for (const std::string& text : keys) {
      CHECK(read_text(*store, key(text)) == text);
      CHECK(store->put_if_match(key(text), Content::of(text + "!"), store->head(key(text))->version));
    }
    std::sort(keys.begin(), keys.end());
    CHECK(listed(*store, "") == keys);
    for (const std::string& text : keys) store->remove(key(text));
    CHECK(listed(*store, "").empty());
  }
}

TEST_CASE("of eight who create an object, one did") {
  EACH_STORE(kind, place, store) {
    for (int round = 0; round < 10; ++round) {
      const Key at = key("race/" + std::to_string(round));
      std::atomic<int> winners{0};
      std::atomic<int> winner{-1};
      std::atomic<int> failures{0};
      at_once(8, [&](int i) {
        try {
          const auto own = place->open(Context());
          const bool replaces = i % 4 == 3;  // with nothing expected, that is the same thing
          const Content content = Content::of("I am " + std::to_string(i));
          const bool won = replaces ? own->put_if_match(at, content, "").has_value()
                                    : own->put_if_absent(at, content) == Creation::created;
          if (!won) return;
          ++winners;
          winner = i;
        } catch (const Error& error) {
          if (error.code() != ErrorCode::outcome_unknown) ++failures;
        }
      });
      CHECK(failures == 0);
      CHECK(winners <= 1);
      const std::string text = read_text(*store, at);
      if (winners == 1) CHECK(text == "I am " + std::to_string(winner.load()));
    }
  }
}

TEST_CASE("a counter that four move by replacing what they saw loses nothing") {
  EACH_STORE(kind, place, store) {
    const Key at = key("counter");
    store->put_if_absent(at, Content::of("0"));
    std::atomic<int> failures{0};
    std::atomic<int> unknown{0};
    at_once(4, [&](int i) {
      const auto own = place->open(Context());
      for (int done = 0; done < 10;) {
        try {
          const auto seen = read_object(*own, at, 100'000);
          const std::string mine = " " + std::to_string(i) + "." + std::to_string(done) + ";";
          if (seen->first.find(mine) != std::string::npos) {  // an answer was lost, but it was done
            ++done;
            continue;
          }
          if (own->put_if_match(at, Content::of(seen->first + mine), seen->second.version)) ++done;
        } catch (const Error& error) {
          ++(error.code() == ErrorCode::outcome_unknown ? unknown : failures);
          if (failures > 20) return;
        }
      }
    });
    CHECK(failures == 0);
    const std::string text = read_text(*store, at);
    CHECK(std::count(text.begin(), text.end(), ';') == 40);
    std::set<std::string> seen;
    for (std::size_t from = 1, end = 0; (end = text.find(';', from)) != std::string::npos; from = end + 1)
      CHECK(seen.insert(text.substr(from, end - from)).second);
    if (unknown > 0) MESSAGE(kind.name << ": " << unknown.load() << " unknown outcomes");
  }
}

TEST_CASE("a reader sees one whole version while others replace it") {
  EACH_STORE(kind, place, store) {
    const Key at = key("moving");
    constexpr std::uint64_t size = 400'000;
    store->put_if_absent(at, pattern(size, 0));
    std::atomic<bool> over{false};
    std::atomic<int> torn{0};
    std::atomic<int> failures{0};
    at_once(3, [&](int i) {
      const auto own = place->open(Context());
      if (i == 0) {
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
          try {
            own->put_if_match(at, pattern(size + seed, seed), own->head(at)->version);
          } catch (const Error& error) {
            if (error.code() != ErrorCode::outcome_unknown) ++failures;
          }
        }
        over = true;
        return;
      }
      do {
        try {
          const auto read = read_object(*own, at, 2 * size);
          if (!read || read->first != pattern_text(read->second.size, read->second.size - size)) ++torn;
        } catch (const Error& error) {
          ++failures;
        }
      } while (!over);
    });
    CHECK(torn == 0);
    CHECK(failures == 0);
  }
}

TEST_CASE("one store serves many threads") {
  EACH_STORE(kind, place, store) {
    std::atomic<int> wrong{0};
    at_once(8, [&](int i) {
      for (int j = 0; j < 5; ++j) {
        const Key at = key("t" + std::to_string(i) + "/" + std::to_string(j));
        const auto seed = static_cast<std::uint64_t>(10 * i + j);
        if (store->put_if_absent(at, pattern(70'000, seed)) != Creation::created) ++wrong;
        if (read_object(*store, at, 70'000)->first != pattern_text(70'000, seed)) ++wrong;
      }
    });
    CHECK(wrong == 0);
    CHECK(listed(*store, "").size() == 40);
  }
}

TEST_CASE("times are the store's, and a new object is no older than the clock before it") {
  EACH_STORE(kind, place, store) {
    const std::int64_t before = store->now();
    store->put_if_absent(key("a"), Content::of("1"));
    const std::int64_t after = store->now();
    CHECK(after >= before);
    const std::int64_t modified = store->head(key("a"))->modified;
    CHECK(modified >= before - 1);  // some stores cut a fraction where others round
    CHECK(modified <= after + 1);
    const auto replaced = store->put_if_match(key("a"), Content::of("2"), store->head(key("a"))->version);
    CHECK(replaced->modified >= modified);
  }
}

TEST_CASE("who cancels is obeyed, and nothing is left half done") {
  EACH_STORE(kind, place, store) {
    store->put_if_absent(key("there"), pattern(1 << 20, 1));
    CancelToken stop;
    Context context;
    context.cancel = &stop;
    const auto own = place->open(context);
    stop.cancel();
    CHECK(code_of([&] { own->put_if_absent(key("a"), pattern(1 << 20, 1)); }) == ErrorCode::cancelled);
    CHECK(code_of([&] { own->get(key("there"), {}, [](base::ConstBytes) {}); }) == ErrorCode::cancelled);
    CHECK_FALSE(store->head(key("a")));
    CHECK(listed(*store, "") == std::vector<std::string>{"there"});
  }
}

}  // namespace pod::objects::conformance
