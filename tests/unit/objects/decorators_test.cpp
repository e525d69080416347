#include "conformance.hpp"
#include "objects/counting_store.hpp"
#include "objects/fault_store.hpp"
#include "objects/memory_store.hpp"
#include "objects/retry_store.hpp"
#include "objects/throttled_store.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

namespace pod::objects {
namespace {

Key key(std::string_view text) { return Key::parse(text); }

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

const auto ignore = [](base::ConstBytes) {};

TEST_CASE("calls and bytes are counted by kind") {
  MemoryStore memory;
  CountingStore store(memory);
  store.put_if_absent(key("a"), Content::of("12345"));
  store.put_if_match(key("b"), Content::of("1"), "");
  store.get(key("a"), {}, ignore);
  store.head(key("a"));
  store.head(key("b"));
  store.list("", [](const ListedObject&) {});
  store.folders("");
  store.remove(key("a"));
  store.now();
  CHECK(store.calls(Call::create) == 1);
  CHECK(store.calls(Call::replace) == 1);
  CHECK(store.calls(Call::get) == 1);
  CHECK(store.calls(Call::head) == 2);
  CHECK(store.calls() == 9);
  CHECK(store.bytes_written() == 6);
  CHECK(store.bytes_read() == 5);
  store.reset();
  CHECK(store.calls() == 0);
  CHECK(store.bytes_written() == 0);
}

TEST_CASE("a lost request does nothing, a lost answer hides what was done") {
  MemoryStore memory;
  using Effect = Fault::Effect;
  {
    FaultStore store(memory, nth(Call::create, 1, {Effect::lost_request, {}}));
    CHECK(code_of([&] { store.put_if_absent(key("a"), Content::of("1")); }) == ErrorCode::unreachable);
    CHECK_FALSE(memory.head(key("a")));
    CHECK(store.put_if_absent(key("a"), Content::of("1")) == Creation::created);
    CHECK(store.calls() == 2);
  }
  {
    FaultStore store(memory, nth(Call::create, 1, {Effect::lost_answer, {}}));
    CHECK(code_of([&] { store.put_if_absent(key("b"), Content::of("1")); }) == ErrorCode::unreachable);
    CHECK(memory.head(key("b")));
  }
  {
    FaultStore store(memory, nth(Call::replace, 2, {Effect::lost_answer, {}}));
    const auto first = store.put_if_match(key("c"), Content::of("1"), "");
    CHECK(code_of([&] { store.put_if_match(key("c"), Content::of("2"), first->version); }) ==
          ErrorCode::outcome_unknown);
    CHECK(read_object(memory, key("c"), 10)->first == "2");
  }
  {
    FaultStore store(memory, nth(Call::remove, 1, {Effect::denied, {}}));
    CHECK(code_of([&] { store.remove(key("a")); }) == ErrorCode::denied);
    CHECK(memory.head(key("a")));
  }
}

TEST_CASE("a cut transfer ends in the middle, and stores nothing") {
  MemoryStore memory;
  FaultStore store(memory, [](std::uint64_t, Call call, const std::string&) {
    return Fault{call == Call::head ? Fault::Effect::none : Fault::Effect::cut, {}};
  });
  CHECK(code_of([&] { store.put_if_absent(key("a"), Content::of("123456")); }) == ErrorCode::unreachable);
  CHECK_FALSE(store.head(key("a")));
  memory.put_if_absent(key("a"), Content::of("123456"));
  std::string got;
  CHECK(code_of([&] { store.get(key("a"), {}, [&](base::ConstBytes bytes) { got += base::text_of(bytes); }); }) ==
        ErrorCode::unreachable);
  CHECK(got == "123");
}

TEST_CASE("a call that fails for a while is asked again, up to a bound") {
  MemoryStore memory;
  memory.put_if_absent(key("a"), Content::of("1"));
  FaultStore faulty(memory, [](std::uint64_t number, Call, const std::string&) {
    return Fault{number <= 2 ? Fault::Effect::lost_request : Fault::Effect::none, {}};
  });
  RetryStore store(faulty, 2);
  CHECK(store.head(key("a")));
  CHECK(faulty.calls() == 3);

  FaultStore dead(memory, [](std::uint64_t, Call, const std::string&) {
    return Fault{Fault::Effect::lost_request, {}};
  });
  RetryStore patient(dead, 2);
  try {
    patient.head(key("a"));
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::unreachable);
    CHECK(error.causes().back() == "tried 3 times");
  }
  CHECK(dead.calls() == 3);
}

TEST_CASE("a replacement is sent once, whatever happens") {
  MemoryStore memory;
  for (const auto effect : {Fault::Effect::lost_request, Fault::Effect::lost_answer}) {
    FaultStore faulty(memory, nth(Call::replace, 1, {effect, {}}));
    RetryStore store(faulty, 5);
    CHECK_THROWS_AS(store.put_if_match(key("a"), Content::of("1"), ""), Error);
    CHECK(faulty.calls() == 1);
  }
}

TEST_CASE("after a lost answer, who created it is told by what lies there") {
  MemoryStore memory;
  FaultStore faulty(memory, nth(Call::create, 1, {Fault::Effect::lost_answer, {}}));
  RetryStore store(faulty, 5);
  CHECK(store.put_if_absent(key("a"), Content::of("mine")) == Creation::created);

  memory.put_if_absent(key("b"), Content::of("his."));
  FaultStore lost(memory, nth(Call::create, 1, {Fault::Effect::lost_request, {}}));
  RetryStore other(lost, 5);
  CHECK(other.put_if_absent(key("b"), Content::of("mine")) == Creation::exists);
}

TEST_CASE("a read that broke off after its first byte is the caller's to repeat") {
  MemoryStore memory;
  memory.put_if_absent(key("a"), Content::of("123456"));
  FaultStore faulty(memory, nth(Call::get, 1, {Fault::Effect::cut, {}}));
  RetryStore store(faulty, 5);
  std::string got;
  CHECK_THROWS_AS(store.get(key("a"), {}, [&](base::ConstBytes bytes) { got += base::text_of(bytes); }), Error);
  CHECK(got == "123");
}

TEST_CASE("a slow line takes its time, both ways") {
  MemoryStore memory;
  ThrottledStore store(memory, {std::chrono::milliseconds(20), 1'000'000});
  const auto took = [](const auto& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - begin;
  };
  using std::chrono::milliseconds;
  CHECK(took([&] { store.head(key("a")); }) >= milliseconds(20));
  CHECK(took([&] { store.put_if_absent(key("a"), conformance::pattern(100'000, 1)); }) >= milliseconds(110));
  CHECK(took([&] { store.get(key("a"), {}, ignore); }) >= milliseconds(110));
}

}  // namespace
}  // namespace pod::objects
