// Each attack gets the verdict that attacks.json asks for, and what is said of it can be printed.
#include "attack_set.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

using attack_set::Attack;
using attack_set::judged;
using pod::Judgement;
using pod::Verdict;

namespace {

constexpr const char* sqs = "api_states/123456789012/sqs/us-east-1/backend.state";

std::string text(const std::string& value) {
  std::string made = "X";
  for (int shift = 0; shift < 32; shift += 8) made += static_cast<char>(value.size() >> shift & 0xff);
  return made + value;
}

/// Runs `work` in a process of its own that may map `bytes` more than this one has; false where it ran out or crashed.
template <class Work>
bool within(std::uint64_t bytes, Work work) {
  const pid_t child = fork();
  if (child == 0) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadow memory counts
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limit{pages * 4096 + bytes, pages * 4096 + bytes};
    setrlimit(RLIMIT_AS, &limit);
#endif
    bool good = false;
    try {
      good = work();
    } catch (...) {
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("every attack of the set gets its verdict, with the reason that matters") {
  const std::vector<Attack> attacks = attack_set::all();
  CHECK(attacks.size() > 200);
  for (const Attack& attack : attacks) {
    const Judgement judgement = judged(attack.data, attack.path);
    const std::string all = attack_set::told(judgement);
    INFO(attack.file, " as ", attack.path, ": ", all);
    CHECK(judgement.verdict == attack.verdict);
    REQUIRE_FALSE(judgement.concerns.empty());
    CHECK(judgement.concerns[0].verdict == judgement.verdict);
    CHECK(all.find(attack.says) != std::string::npos);
  }
}

TEST_CASE("what is said of an attack is short and holds nothing that a terminal acts on") {
  for (const Attack& attack : attack_set::all()) {
    INFO(attack.file);
    CHECK(attack_set::is_harmless(judged(attack.data, attack.path)));
  }
}

TEST_CASE("a concern shows the instructions that it is about") {
  for (const Attack& attack : attack_set::all()) {
    if (attack.file != "os-system.bin" || attack.path != sqs) continue;
    const Judgement judgement = judged(attack.data, attack.path);
    REQUIRE(judgement.concerns.size() >= 1);
    const pod::Concern& concern = judgement.concerns[0];
    CHECK(concern.path == "/evil");
    CHECK(attack.data.substr(concern.offset, 1) == "R");
    std::string lines;
    for (const std::string& line : concern.disassembly) lines += line + '\n';
    INFO(lines);
    CHECK(lines.find("SHORT_BINUNICODE 'os'") != std::string::npos);
    CHECK(lines.find("STACK_GLOBAL") != std::string::npos);
    CHECK(lines.find("REDUCE") != std::string::npos);
  }
}

TEST_CASE("no cut of an attack and no byte more makes it acceptable") {
  std::set<std::string> seen;
  for (const Attack& attack : attack_set::all()) {
    if (attack.data.size() > 400 || attack.path != sqs || !seen.insert(attack.file).second) continue;
    // What these begin with is a good document, and what one of them lacks is its last byte.
    if (attack.file == "data-behind-the-end.bin" || attack.file == "a-second-pickle.bin" ||
        attack.file == "without-an-end.bin")
      continue;
    INFO(attack.file);
    for (std::size_t size = 0; size < attack.data.size(); ++size)
      CHECK(judged(attack.data.substr(0, size), sqs).verdict != Verdict::accept);
    CHECK(judged(attack.data + ".", sqs).verdict != Verdict::accept);
  }
}

TEST_CASE("the whole set is judged in 64 MiB") {
  const std::vector<Attack> attacks = attack_set::all();
  judged("\x80\x04}.", sqs);  // the manifest is read once
  CHECK(within(64u << 20, [&] {
    for (const Attack& attack : attacks)
      if (judged(attack.data, attack.path).verdict != attack.verdict) return false;
    return true;
  }));
}

TEST_CASE("a name of a megabyte is refused and shown short") {
  const std::string name(1 << 20, 'n');
  const std::string file = "\x80\x04" + text("moto." + name) + text(name) + "\x93.";
  const Judgement judgement = judged(file, sqs);
  CHECK(judgement.verdict == Verdict::refuse);
  CHECK(attack_set::is_harmless(judgement));
}

TEST_CASE("a key of a megabyte before a call gives a short path") {
  const std::string file = std::string("\x80\x04}") + text(std::string(1 << 20, '\x1b')) + text("os") + text("system") +
                           "\x93" + text("true") + "\x85Rs.";
  const Judgement judgement = judged(file, sqs);
  CHECK(judgement.verdict == Verdict::refuse);
  CHECK(attack_set::is_harmless(judgement));
}

TEST_CASE("files that are made to be expensive cost what their size allows") {
  judged("\x80\x04}.", sqs);
  const std::string deep_json = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const std::string deep_pickle = "\x80\x04" + std::string(1'000'000, ']') + std::string(999'999, 'a') + ".";
  std::string laughs = "\x80\x04]";  // each level holds the one below ten times
  for (int level = 0; level < 60; ++level)
    laughs +=
        "\x85"
        "2222222222"
        "t";
  std::string shared = "\x80\x04)";
  for (int level = 0; level < 500; ++level) shared += "2\x86";
  const std::string many_names = [] {
    std::string made = "\x80\x04](";
    for (int i = 0; i < 300'000; ++i) made += "cos\nx" + std::to_string(i) + "\n";
    return made + "e.";
  }();
  CHECK(within(512u << 20, [&] { return judged(deep_json, "sqs/backend.json").verdict == Verdict::refuse; }));
  CHECK(within(512u << 20, [&] { return judged(deep_pickle, sqs).verdict == Verdict::refuse; }));
  CHECK(within(512u << 20, [&] { return judged(laughs, sqs).verdict == Verdict::refuse; }));
  CHECK(within(512u << 20, [&] { return judged(shared + ".", sqs).verdict == Verdict::accept; }));
  CHECK(within(512u << 20, [&] { return judged(many_names, sqs).concerns.size() == 20; }));
  CHECK(within(512u << 20, [&] {
    return judged(std::string(8 << 20, 'N'), "api_states/1/s3/global/x").verdict == Verdict::review;
  }));
}
