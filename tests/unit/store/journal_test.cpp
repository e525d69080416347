#include "store/store_world.hpp"

#include "store/journal.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace pod::store;
using namespace pod::store::test;
namespace git = pod::git;
namespace fs = std::filesystem;
using pod::ErrorCode;
using pod::Oid;
using pod::Operation;

namespace {

const Oid one = Oid::parse("1111111111111111111111111111111111111111");
const Oid two = Oid::parse("2222222222222222222222222222222222222222");

Operation operation(const std::string& what, const std::string& ref = "refs/heads/shop", const Oid& before = {},
                    const Oid& after = one) {
  Operation out;
  out.time = {1700000000, 60};
  out.who = "ada@host";
  out.verb = "commit";
  out.what = what;
  out.ref = ref;
  out.before = before;
  out.after = after;
  return out;
}

const std::string golden =
    R"({"after":"1111111111111111111111111111111111111111","before":"","check":"e6754ef827f7b0280130e864794dfd7fd1b2703628187155bab2628790246f01","id":1,"instance":"","kind":"operation","offset":60,"prev":"0000000000000000000000000000000000000000000000000000000000000000","ref":"refs/heads/shop","time":1700000000,"undoes":0,"verb":"commit","what":"shop:1","who":"ada@host"})"
    "\n"
    R"({"check":"d8b92d29e852c5f62ec727007b1b5185c6a51fea83fc70d1fa5cdc0e2a499d10","id":1,"kind":"dropped","prev":"e6754ef827f7b0280130e864794dfd7fd1b2703628187155bab2628790246f01"})"
    "\n";

std::size_t files_beside(const fs::path& journal) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(journal.parent_path())) count += entry.path() != journal;
  return count;
}

}  // namespace

TEST_CASE("the golden bytes of a journal") {
  const Folder folder;
  Journal journal(folder / "journal");
  CHECK(journal.announce(operation("shop:1"), 1) == 1);
  journal.drop(1);
  CHECK(read_file(folder / "journal") == golden);
}

TEST_CASE("operations come back as they were written, without those that were dropped") {
  const Folder folder;
  Journal journal(folder / "journal");
  Operation inject = operation("shop:1 → http://localhost:4566", "", one, two);
  inject.instance = "http://localhost:4566";
  inject.undoes = 1;
  journal.announce(operation("shop:1"), 1);
  journal.announce(operation("shop:2", "refs/heads/shop", one, two), 1);
  journal.drop(2);
  journal.announce(inject, 1);
  const auto operations = journal.read();
  REQUIRE(operations.size() == 2);
  CHECK(operations[0].what == "shop:1");
  CHECK(operations[0].after == one);
  CHECK(operations[0].before.is_zero());
  CHECK(operations[0].time.seconds == 1700000000);
  CHECK(operations[0].time.offset_minutes == 60);
  CHECK(operations[1].id == 3);
  CHECK(operations[1].what == inject.what);
  CHECK(operations[1].instance == inject.instance);
  CHECK(operations[1].undoes == 1);
  CHECK(journal.problems().empty());
  CHECK(journal.last_value("refs/heads/shop") == one);
  CHECK_FALSE(journal.last_value("refs/heads/other"));
}

TEST_CASE("a journal cut anywhere loses at most the line that was cut, and goes on") {
  const Folder folder;
  Journal journal(folder / "journal");
  journal.announce(operation("shop:1"), 1);
  const std::size_t first = read_file(folder / "journal").size();
  journal.announce(operation("shop:2", "refs/heads/shop", one, two), 1);
  const std::string whole = read_file(folder / "journal");
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    CAPTURE(length);
    const Folder other;
    write_file(other / "journal", whole.substr(0, length));
    Journal cut(other / "journal");
    const std::size_t kept = length < first ? 0 : 1;
    CHECK(cut.read().size() == kept);
    const bool torn = length != 0 && length != first;
    CHECK(cut.trim() == torn);
    CHECK(files_beside(other / "journal") == (torn ? 1 : 0));
    CHECK(cut.announce(operation("next"), 1) == static_cast<std::int64_t>(kept) + 1);
    CHECK(cut.read().size() == kept + 1);
    CHECK(cut.problems().empty());
  }
}

TEST_CASE("every changed byte in the middle is noticed, undo has nothing to go by, and new lines are still taken") {
  const Folder folder;
  Journal journal(folder / "journal");
  for (int i = 0; i < 3; ++i) journal.announce(operation("shop:" + std::to_string(i)), 1);
  const std::string whole = read_file(folder / "journal");
  const std::size_t last = whole.rfind('\n', whole.size() - 2);
  for (std::size_t at = 0; at < last; at += 5) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const Folder other;
    write_file(other / "journal", changed);
    Journal damaged(other / "journal");
    CHECK_FALSE(damaged.problems().empty());
    CHECK(code_of([&] { damaged.read(); }) == ErrorCode::corrupt);
    CHECK_FALSE(damaged.trim());
    CHECK(damaged.announce(operation("next"), 1) == 4);
    CHECK(damaged.tail().id == 4);
  }
}

TEST_CASE("a line taken out or put in is noticed") {
  const Folder folder;
  Journal journal(folder / "journal");
  for (int i = 0; i < 3; ++i) journal.announce(operation("shop:" + std::to_string(i)), 1);
  const std::string whole = read_file(folder / "journal");
  const std::size_t first = whole.find('\n') + 1;
  const std::size_t second = whole.find('\n', first) + 1;
  write_file(folder / "journal", whole.substr(0, first) + whole.substr(second));
  CHECK(journal.problems().size() == 1);
  write_file(folder / "journal", whole.substr(first));
  CHECK(journal.problems().size() == 1);
  write_file(folder / "journal", whole.substr(0, second) + whole.substr(0, first) + whole.substr(second));
  CHECK_FALSE(journal.problems().empty());
}

TEST_CASE("garbage in place of a journal is put aside") {
  for (const std::string& garbage : {std::string("\n\n\n"), std::string("not a journal\n"), std::string(300'000, 'x'),
                                     git::test::noise(300'000), std::string(1000, '\0')}) {
    const Folder folder;
    write_file(folder / "journal", garbage);
    Journal journal(folder / "journal");
    CHECK(journal.read().empty());
    CHECK_FALSE(journal.problems().empty());
    CHECK(journal.trim());
    CHECK(journal.announce(operation("next"), 5) == 5);
    CHECK(journal.problems().empty());
    CHECK(files_beside(folder / "journal") == 1);
  }
}

TEST_CASE("garbage behind a long journal is put aside, and the journal found before it") {
  const Folder folder;
  Journal journal(folder / "journal");
  journal.announce(operation("shop:1"), 1);
  const std::string whole = read_file(folder / "journal");
  write_file(folder / "journal", whole + git::test::noise(300'000));
  CHECK(journal.trim());
  CHECK(read_file(folder / "journal") == whole);
}

TEST_CASE("a journal longer than what is read at once") {
  const Folder folder;
  Journal journal(folder / "journal");
  for (int i = 1; i <= 600; ++i) journal.announce(operation("shop:" + std::to_string(i) + std::string(100, '"')), 1);
  CHECK(journal.read().size() == 600);
  CHECK(journal.tail().id == 600);
  CHECK(journal.problems().empty());
}

TEST_CASE("text that is too long or no text is cut, refused or escaped") {
  const Folder folder;
  Journal journal(folder / "journal");
  Operation long_one = operation(std::string(100'000, '\x1b'));
  long_one.who = "\xff\n";
  journal.announce(long_one, 1);
  CHECK(journal.read()[0].what.size() <= 2048);
  CHECK(journal.read()[0].who == "\\xff\\x0a");
  Operation bad = operation("x");
  bad.instance = std::string(5000, 'u');
  CHECK(code_of([&] { journal.announce(bad, 1); }) == ErrorCode::invalid_argument);
  CHECK(journal.read().size() == 1);
}

TEST_CASE("a missing journal is an empty one") {
  const Folder folder;
  Journal journal(folder / "journal");
  CHECK(journal.read().empty());
  CHECK(journal.tail().id == 0);
  CHECK_FALSE(journal.trim());
}
