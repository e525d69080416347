// What emulators really wrote: accepted where pod-agent did, reviewed where LocalStack did, and never refused.
#include "attack_set.hpp"

#include <filesystem>

using attack_set::bytes_of;
using attack_set::judged;
using pod::Judgement;
using pod::Verdict;

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), folder));
  return files;
}

/// A stored entry of a zip: the pod's are.
std::string stored_entry(const std::string& zip, const std::string& name) {
  const std::size_t at = zip.find(name);  // its local header, since these come first
  REQUIRE(at != std::string::npos);
  const auto number = [&](std::size_t offset, std::size_t size) {
    std::size_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(zip[at - 30 + offset + i]);
    return value;
  };
  REQUIRE(zip.substr(at - 30, 4) == "PK\3\4");
  REQUIRE(number(8, 2) == 0);
  return zip.substr(at + name.size() + number(28, 2), number(22, 4));
}

bool says(const Judgement& judgement, std::string_view text) {
  return attack_set::told(judgement).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("every state file that pod-agent wrote is accepted") {
  const fs::path folder = TEST_DATA "/captured";
  std::size_t states = 0;
  for (const fs::path& file : files_below(folder)) {
    const Judgement judgement = judged(bytes_of((folder / file).string()), file.string());
    INFO(file.string(), ": ", attack_set::told(judgement));
    CHECK(judgement.verdict == Verdict::accept);
    CHECK(judgement.concerns.empty());
    states += file.extension() == ".state";
  }
  CHECK(states > 80);
}

TEST_CASE("a changed byte in a state file is accepted only where it changes a value") {
  // Every name of a class or a function, with its first letter changed.
  const std::string path = "api_states/123456789012/sqs/us-east-1/backend.state";
  const std::string file = bytes_of(std::string(TEST_DATA "/captured/") + path);
  std::size_t changed = 0;
  for (const std::string_view name : {"moto.sqs.models", "pod_agent.restore", "condition"})
    for (std::size_t at = file.find(name); at != std::string::npos; at = file.find(name, at + 1)) {
      if (file[at - 1] != static_cast<char>(name.size()) || file[at - 2] != '\x8c') continue;
      std::string other = file;
      other[at] = static_cast<char>(other[at] ^ 1);
      INFO(std::string(name));
      CHECK(judged(other, path).verdict != Verdict::accept);
      ++changed;
    }
  CHECK(changed >= 3);
}

TEST_CASE("the pod that LocalStack exported is for review, with what to look at") {
  const std::string zip = bytes_of(TEST_DATA "/pods/happy-new-year.zip");
  const std::string backend = "api_states/000000000000/s3/global/backend.state";
  const Judgement judgement = judged(stored_entry(zip, backend), backend);
  INFO(attack_set::told(judgement));
  CHECK(judgement.verdict == Verdict::review);
  CHECK(says(judgement, "\"moto.s3.models.S3Backend\", which is not in the class manifest"));
  CHECK(
      says(judgement,
           "/@buckets/localwishes/@keys/error.html: gives state to the `__setstate__` of \"moto.s3.models.FakeKey\""));
  CHECK(says(judgement,
             "/@buckets/localwishes/@keys: gives items to an instance of \"moto.s3.utils._VersionedKeyStore\""));
  for (const pod::Concern& concern : judgement.concerns) CHECK_FALSE(concern.disassembly.empty());

  const std::string store = "api_states/000000000000/s3/us-east-1/store.state";
  CHECK(judged(stored_entry(zip, store), store).verdict == Verdict::review);
  CHECK(judged(stored_entry(zip, "metadata.yaml"), "metadata.yaml").verdict == Verdict::accept);
}

TEST_CASE("what LocalStack's stores hold is for review, and their databases are data") {
  const fs::path folder = TEST_DATA "/localstack-persist";
  std::size_t reviewed = 0;
  for (const fs::path& file : files_below(folder)) {
    const Judgement judgement = judged(bytes_of((folder / file).string()), file.string());
    INFO(file.string(), ": ", attack_set::told(judgement));
    const bool store = file.stem() == "store" || file.stem() == "backend";
    CHECK(judgement.verdict == (store ? Verdict::review : Verdict::accept));
    CHECK(attack_set::is_harmless(judgement));
    reviewed += store;
  }
  CHECK(reviewed > 20);
}

TEST_CASE("byte code in an SQS queue of LocalStack is shown first, with the names that it uses") {
  const std::string file = "sqs/store.pkl";
  const Judgement judgement = judged(bytes_of(std::string(TEST_DATA "/localstack-persist/v4_binary/") + file), file);
  REQUIRE(judgement.verdict == Verdict::review);
  REQUIRE(judgement.concerns.size() > 3);
  INFO(attack_set::told(judgement));
  CHECK(judgement.concerns[0].reason == "holds byte code of Python that uses str, approx_number_of_messages, self");
  CHECK(judgement.concerns[0].path.starts_with(
      "/000000000000/us-east-1/@attr_queues/test-queue/@attributes/ApproximateNumberOfMessages"));
  CHECK(says(judgement, "makes a function from byte code in this file (3 times)"));
  CHECK(says(judgement, "calls \"queue.PriorityQueue\""));
}
