#include "remote/manifest.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <string>

using namespace pod::remote;
namespace digest = pod::digest;
using pod::Error;
using pod::ErrorCode;
using pod::Oid;

namespace {

const std::string nonce = "00112233445566778899aabbccddeeff";
const std::string hex_a(64, 'a');
const std::string hex_b(64, 'b');
const std::string hex_c(64, 'c');

digest::Sha256Value sha(const std::string& hex) { return digest::parse_sha256(hex).value(); }

Manifest example() {
  Manifest manifest;
  manifest.generation = 3;
  manifest.nonce = nonce;
  manifest.previous = sha(hex_c);
  manifest.refs = {{"refs/heads/shop", Oid::parse("1111111111111111111111111111111111111111")},
                   {"refs/tags/v1", Oid::parse("2222222222222222222222222222222222222222")}};
  const Day day = Day::parse("2026-11-26").value();
  manifest.packs = {{.pack = {sha(hex_a), 1234}, .index = {}, .objects = 7, .kind = PackKind::whole, .day = day},
                    {.pack = {sha(hex_b), 99},
                     .index = NamedFile{sha(hex_c), 5},
                     .objects = 1,
                     .kind = PackKind::content,
                     .day = day}};
  return manifest;
}

const std::string golden = "{\"format\":1,\"generation\":3,\"nonce\":\"" + nonce + "\",\"packs\":[" +
                           "{\"day\":\"2026-11-26\",\"kind\":\"whole\",\"objects\":7,\"pack\":{\"sha256\":\"" + hex_a +
                           "\",\"size\":1234}}," + "{\"day\":\"2026-11-26\",\"index\":{\"sha256\":\"" + hex_c +
                           "\",\"size\":5},\"kind\":\"content\",\"objects\":1," + "\"pack\":{\"sha256\":\"" + hex_b +
                           "\",\"size\":99}}],\"previous\":\"" + hex_c + "\",\"refs\":[" +
                           "{\"name\":\"refs/heads/shop\",\"target\":\"1111111111111111111111111111111111111111\"}," +
                           "{\"name\":\"refs/tags/v1\",\"target\":\"2222222222222222222222222222222222222222\"}]}\n";

/// The message of Error(corrupt).
std::string complaint(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::corrupt);
    return error.message();
  }
  return "nothing was wrong";
}

std::string replaced(std::string text, const std::string& old, const std::string& with) {
  const auto at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), with);
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("HEAD has these bytes") {
  const Head head{.generation = 3, .manifest = sha(hex_a), .deleted = {}, .nonce = nonce};
  const std::string text =
      "{\"format\":1,\"generation\":3,\"manifest\":\"" + hex_a + "\",\"nonce\":\"" + nonce + "\"}\n";
  CHECK(write_head(head) == text);
  CHECK(parse_head(text) == head);
}

TEST_CASE("a tombstone has these bytes") {
  const Head head{.generation = 4, .manifest = {}, .deleted = sha(hex_a), .nonce = nonce};
  const std::string text =
      "{\"deleted\":\"" + hex_a + "\",\"format\":1,\"generation\":4,\"nonce\":\"" + nonce + "\"}\n";
  CHECK(write_head(head) == text);
  CHECK(parse_head(text) == head);
}

TEST_CASE("a manifest has these bytes") {
  CHECK(write_manifest(example()) == golden);
  CHECK(parse_manifest(golden) == example());
  Manifest first = example();
  first.previous.reset();
  first.packs.clear();
  CHECK(parse_manifest(write_manifest(first)) == first);
}

TEST_CASE("a HEAD that is damaged says how") {
  const std::string good = write_head({.generation = 3, .manifest = sha(hex_a), .deleted = {}, .nonce = nonce});
  const auto said = [&](const std::string& old, const std::string& with) {
    return complaint([&] { parse_head(replaced(good, old, with)); });
  };
  CHECK(holds(said(":3", ":0"), "generation"));
  CHECK(holds(said(":3", ":9007199254740993"), "generation"));
  CHECK(holds(said(nonce, nonce.substr(1)), "nonce"));
  CHECK(holds(said(nonce, replaced(nonce, "aa", "AA")), "nonce"));
  CHECK(holds(said("manifest", "manifesto"), "not exactly one manifest"));
  CHECK(holds(said(",\"nonce", ",\"deleted\":\"" + hex_b + "\",\"nonce"), "not exactly one manifest"));
  CHECK(holds(said(hex_a, hex_a.substr(1)), "\"manifest\""));
  CHECK(holds(said(hex_a, std::string(64, 'A')), "\"manifest\""));
  CHECK(holds(said("\"format\":1", "\"format\":0"), "no format 0"));
  CHECK(holds(said("}\n", "}"), "not written as it should be"));
  CHECK(holds(said("}\n", ",\"x\":1}\n"), "not written as it should be"));
  CHECK(holds(said("{", "{ "), "not written as it should be"));
  CHECK_THROWS_AS(parse_head(""), Error);
}

TEST_CASE("a manifest that is damaged says how") {
  const auto said = [&](const std::string& old, const std::string& with) {
    return complaint([&] { parse_manifest(replaced(golden, old, with)); });
  };
  CHECK(holds(said("refs/heads/shop", "refs/heads/a..b"), "a..b"));
  CHECK(holds(said("refs/heads/shop", "refs/heads/-a"), "-a"));
  CHECK(holds(said("refs/heads/shop", "refs/heads/a/b"), "a/b"));
  CHECK(holds(said("refs/heads/shop", "refs/notes/shop"), "neither the pod's nor a tag"));
  CHECK(holds(said("refs/tags/v1", "refs/heads/zoo"), "neither the pod's nor a tag"));
  CHECK(holds(said("refs/tags/v1", "refs/aaa"), "out of order"));
  CHECK(holds(said("refs/tags/v1", "refs/heads/shop"), "out of order"));
  CHECK(holds(said("refs/tags/v1", "refs/tags/v\\n1"), "v\\x0a1"));
  CHECK(holds(said("1111111111111111111111111111111111111111", "11"), "object id"));
  CHECK(holds(said("1111111111111111111111111111111111111111", std::string(40, '0')), "no target"));
  CHECK(holds(said("\"objects\":7", "\"objects\":0"), "is empty"));
  CHECK(holds(said("\"objects\":7", "\"objects\":4294967296"), "too many objects"));
  CHECK(holds(said("\"objects\":7", "\"objects\":-1"), "objects"));
  CHECK(holds(said(hex_b + "\",\"size\":99", hex_a + "\",\"size\":99"), "twice"));
  CHECK(holds(said(":1234", ":0"), "size"));
  CHECK(holds(said(":1234", ":17179869185"), "size"));
  CHECK(holds(said("whole", "skeleton"), "no index"));
  CHECK(holds(said("content", "whole"), "has an index"));
  CHECK(holds(said("content", "thin"), "no kind"));
  CHECK(holds(said("2026-11-26", "2026-11-31"), "no day"));
  CHECK(holds(said("\"previous\":\"c", "\"previous\":\"C"), "previous"));
  CHECK(holds(said("}]}\n", "}]}"), "not written as it should be"));
  CHECK(holds(said("\"previous\":\"" + hex_c + "\",", "\"later\":1,"), "not written as it should be"));
}

TEST_CASE("a newer format is not called damage") {
  const std::string head = write_head({.generation = 3, .manifest = sha(hex_a), .deleted = {}, .nonce = nonce});
  for (const auto& call : {std::function([&] { parse_head(replaced(head, "\"format\":1", "\"format\":2")); }),
                           std::function([&] { parse_manifest(replaced(golden, "\"format\":1", "\"format\":2")); })}) {
    try {
      call();
      FAIL("it was read");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::incompatible);
    }
  }
}

TEST_CASE("a manifest holds 64 packs and 4096 refs, and not one more") {
  Manifest manifest = example();
  manifest.packs.resize(1);
  for (int i = 1; i < 64; ++i) {
    PackInfo info = manifest.packs.front();
    info.pack.sha256 = digest::sha256(std::to_string(i));
    manifest.packs.push_back(info);
  }
  manifest.refs.resize(1);
  for (int i = 1000; i < 1000 + 4095; ++i)
    manifest.refs.push_back({"refs/tags/" + std::to_string(i), manifest.refs.front().target});
  const std::string text = write_manifest(manifest);
  CHECK(parse_manifest(text) == manifest);

  Manifest more = manifest;
  more.packs.push_back(more.packs.front());
  more.packs.back().pack.sha256 = digest::sha256("more");
  CHECK_THROWS_AS(write_manifest(more), Error);
  more = manifest;
  more.refs.push_back({"refs/tags/z", manifest.refs.front().target});
  CHECK_THROWS_AS(write_manifest(more), Error);
}

TEST_CASE("a tag below another is refused, since no file system could hold both") {
  Manifest manifest = example();
  manifest.refs = {manifest.refs[0],
                   {"refs/tags/a", manifest.refs[1].target},
                   {"refs/tags/a-b", manifest.refs[1].target},
                   {"refs/tags/a/b", manifest.refs[1].target}};
  CHECK_THROWS_AS(write_manifest(manifest), Error);
  manifest.refs.back().name = "refs/tags/ab/b";
  CHECK(parse_manifest(write_manifest(manifest)) == manifest);
}

TEST_CASE("nobody writes what nobody could read") {
  Head head{.generation = 0, .manifest = sha(hex_a), .deleted = {}, .nonce = nonce};
  CHECK_THROWS_AS(write_head(head), Error);
  head = {.generation = 1, .manifest = sha(hex_a), .deleted = sha(hex_a), .nonce = nonce};
  CHECK_THROWS_AS(write_head(head), Error);
  Manifest manifest = example();
  manifest.refs.clear();
  CHECK_THROWS_AS(write_manifest(manifest), Error);
}

TEST_CASE("a nonce is 32 hex digits and comes once") {
  CHECK(new_nonce().size() == 32);
  CHECK(new_nonce() != new_nonce());
  CHECK_NOTHROW(write_head({.generation = 1, .manifest = sha(hex_a), .deleted = {}, .nonce = new_nonce()}));
}
