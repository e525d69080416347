#include "fuzz_input.hpp"

#include "git/repository.hpp"

#include <libpod/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const pod::git::Commit commit = pod::git::parse_commit({}, fuzz::text(data, size));
    const std::string once = pod::git::encode_commit(commit);
    const pod::git::Commit again = pod::git::parse_commit({}, once);
    fuzz::must_hold(again.tree == commit.tree && again.parents == commit.parents, "what it points to stays");
    fuzz::must_hold(pod::git::encode_commit(again) == once, "what we write is a fixed point");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt, "the error is the one that is promised");
  }
  return 0;
}
