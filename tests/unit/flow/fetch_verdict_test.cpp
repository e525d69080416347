#include "workbench.hpp"

#include "reading/state_file.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

namespace {

const std::string odd_file = "api_states/000000000000/sqs/us-east-1/notes.bin";

/// Ann pushes what Bob fetches.
class Share {
 public:
  Share() {
    const std::string url = (ann.path() / "pods").string();
    for (Workbench* person : {&ann, &bob}) add_remote(person->store(), {.name = "origin", .url = url});
  }
  void push(const std::string& state) {
    write_file(ann.path() / "state" / sqs_file, state);
    commit(ann.store(), shop, Source::parse((ann.path() / "state").string()), {.author = ada});
    REQUIRE(pod::push(ann.store(), "origin", {shop}).front().status == PushStatus::pushed);
  }
  static PodFetch fetch(Workbench& person) { return pod::fetch(person.store(), "origin", {shop}).front(); }
  static std::optional<Verdict> kept(Workbench& person) {
    const std::optional<Verdict> listed = remote_pods(person.store(), "origin").front().verdict;
    CHECK(listed == fetched_verdict(person.store(), person.store().resolve(PodRef::parse("origin/shop"))));
    return listed;
  }
  fs::path odd() const { return ann.path() / "state" / odd_file; }
  /// What Bob's store knows of the remote, with `line` in place of the verdict's.
  void rewrite_note(const std::string& line) const {
    const fs::path note = bob.path() / "store/pod/remotes/origin/shop";
    std::string text = read_text(note);
    const std::size_t begin = text.find("\njudged ") + 1;
    REQUIRE(begin != 0);
    text.replace(begin, text.find('\n', begin) + 1 - begin, line);
    write_file(note, text);
  }

  Workbench ann;
  Workbench bob;
};

const std::string runs_code = "cos\nsystem\n(S'true'\ntR.";

}  // namespace

TEST_CASE("a fetch keeps what the policy says of the remote's newest version") {
  Share share;
  share.push(pickled("orders"));
  CHECK(Share::fetch(share.bob).verdict == Verdict::accept);
  CHECK(Share::kept(share.bob) == Verdict::accept);

  write_file(share.odd(), "nobody knows this format");
  share.push(pickled("orders"));
  CHECK(Share::fetch(share.bob).verdict == Verdict::review);
  CHECK(Share::kept(share.bob) == Verdict::review);
  CHECK(Share::fetch(share.bob).status == FetchStatus::up_to_date);
  CHECK(Share::fetch(share.bob).verdict == Verdict::review);

  // Of all files, not only of those that changed.
  share.push(pickled("more orders"));
  CHECK(Share::fetch(share.bob).verdict == Verdict::review);

  share.push(runs_code);
  CHECK(Share::fetch(share.bob).verdict == Verdict::refuse);
  CHECK(Share::kept(share.bob) == Verdict::refuse);

  fs::remove(share.odd());
  share.push(pickled("orders again"));
  CHECK(Share::fetch(share.bob).verdict == Verdict::accept);
  CHECK(Share::kept(share.bob) == Verdict::accept);
}

TEST_CASE("who pushed a version has no verdict on it before a fetch") {
  Share share;
  share.push(runs_code);
  CHECK(Share::kept(share.ann) == std::nullopt);
  CHECK(Share::fetch(share.ann).status == FetchStatus::up_to_date);
  CHECK(Share::kept(share.ann) == Verdict::refuse);
  share.push(pickled("orders"));
  CHECK(Share::kept(share.ann) == std::nullopt);
}

TEST_CASE("a verdict that is missing, or of another policy, says nothing, and the next fetch judges again") {
  Share share;
  share.push(runs_code);
  CHECK(Share::fetch(share.bob).verdict == Verdict::refuse);
  const std::string tip = share.bob.store().resolve(PodRef::parse("origin/shop")).commit.hex();
  std::string line;
  SUBCASE("a note of before") {}
  SUBCASE("another policy") { line = "judged " + tip + " " + std::to_string(reading::number + 1) + " accept\n"; }
  SUBCASE("another commit") {
    line = "judged " + std::string(40, '1') + " " + std::to_string(reading::number) + " accept\n";
  }
  share.rewrite_note(line);
  CHECK(Share::kept(share.bob) == std::nullopt);
  const PodFetch again = Share::fetch(share.bob);
  CHECK(again.status == FetchStatus::up_to_date);
  CHECK(again.verdict == Verdict::refuse);
  CHECK(Share::kept(share.bob) == Verdict::refuse);
}

TEST_CASE("a note without a verdict still says which packs are here") {
  Share share;
  share.push(pickled("one"));
  Share::fetch(share.bob);
  share.rewrite_note("");
  share.push(pickled("two"));
  CHECK(Share::fetch(share.bob).packs == 1);
  CHECK(Share::kept(share.bob) == Verdict::accept);
}
