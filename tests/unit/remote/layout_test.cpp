#include "remote/layout.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace pod::remote;
namespace digest = pod::digest;
using pod::Error;
using pod::ErrorCode;
using pod::PodName;

namespace {

const digest::Sha256Value some = digest::sha256("some");
const PodName shop = PodName::parse("shop");

template <class Call>
ErrorCode code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("a day is written as people write it, and read back") {
  CHECK(Day::of(0).str() == "1970-01-01");
  CHECK(Day::of(86399).str() == "1970-01-01");
  CHECK(Day::of(86400).str() == "1970-01-02");
  CHECK(Day::of(1795737600).str() == "2026-11-27");
  CHECK(Day::of(1795737600).begin() == 1795737600);
  for (const char* day : {"1970-01-01", "1999-12-31", "2000-02-29", "2026-11-26", "9999-12-31"})
    CHECK(Day::parse(day).value().str() == day);
}

TEST_CASE("what is no day is none") {
  for (const char* text : {"", "2026-11-2", "2026-11-31", "2025-02-29", "1969-12-31", "2026/11/26", "2026-1a-26",
                           "2026-00-10", "2026-10-00", "-026-10-01", "2026-11-26 ", "10000-01-01"})
    CHECK_FALSE(Day::parse(text));
}

TEST_CASE("every key reads back as what it was made for") {
  const Day day = Day::parse("2026-11-26").value();
  const std::string hex = digest::hex(some);
  CHECK(head_key(shop).str() == "pods/shop/HEAD");
  CHECK(manifest_key(shop, some).str() == "pods/shop/manifests/" + hex);
  CHECK(pack_key(day, some).str() == "packs/2026-11-26/" + hex + ".pack");
  CHECK(index_key(day, some).str() == "packs/2026-11-26/" + hex + ".idx");

  CHECK(parse_key("format.json").value().part == Part::format);
  const auto head = parse_key(head_key(shop).str()).value();
  CHECK((head.part == Part::head && head.pod == shop));
  const auto manifest = parse_key(manifest_key(shop, some).str()).value();
  CHECK((manifest.part == Part::manifest && manifest.pod == shop && manifest.sha256 == some));
  const auto pack = parse_key(pack_key(day, some).str()).value();
  CHECK((pack.part == Part::pack && pack.day == day && pack.sha256 == some));
  const auto index = parse_key(index_key(day, some).str()).value();
  CHECK((index.part == Part::index && index.day == day && index.sha256 == some));
}

TEST_CASE("what somebody else keeps there is nothing of ours") {
  const std::string hex = digest::hex(some);
  for (const std::string& key :
       {std::string(), std::string("format.json.bak"), std::string("pods/shop"), std::string("pods/shop/HEAD.lock"),
        std::string("pods/..bad/HEAD"), "pods/shop/manifests/" + hex.substr(1), "pods/shop/manifests/x/" + hex,
        "packs/2026-11-26/" + hex, "packs/2026-11-31/" + hex + ".pack", "packs/ab/" + hex + ".pack",
        "packs/" + hex + ".pack", "packs/2026-11-26/" + hex + ".idx.pack"})
    CHECK_MESSAGE(!parse_key(key), key);
}

TEST_CASE("the marker has these bytes") {
  CHECK(write_format({}) == "{\"format\":1,\"head\":\"object\"}\n");
  CHECK(parse_format("{\"format\":1,\"head\":\"podhub:a-1.b\"}\n").head == "podhub:a-1.b");
}

TEST_CASE("a marker that is newer, damaged or names no door is refused") {
  CHECK(code_of([] { parse_format("{\"format\":2,\"head\":\"object\",\"more\":[]}\n"); }) == ErrorCode::incompatible);
  for (const char* text :
       {"", "{}", "[]", "{\"format\":1}\n", "{\"format\":1,\"head\":\"podhub:\"}\n",
        "{\"format\":1,\"head\":\"ftp\"}\n", "{\"format\":0,\"head\":\"object\"}\n",
        "{\"format\":1,\"head\":\"object\"}", "{\"head\":\"object\",\"format\":1}\n",
        "{\"format\":1,\"head\":\"object\",\"more\":1}\n", "{\"format\":1,\"head\":\"podhub:a b\"}\n"})
    CHECK_MESSAGE(code_of([&] { parse_format(text); }) == ErrorCode::corrupt, text);
  CHECK(code_of([] { write_format({"podhub:\n"}); }) == ErrorCode::invalid_argument);
}
