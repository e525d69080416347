#include "policy/policy.hpp"

#include <doctest/doctest.h>

using pod::StatePath;
using pod::policy::Role;

namespace {

Role role(std::string_view path) { return pod::policy::role_of(StatePath::parse(path)); }

}  // namespace

TEST_CASE("whatever lies below api_states is state, whatever it is called") {
  CHECK(role("api_states/000000000000/s3/global/backend.state") == Role::state);
  CHECK(role("api_states/000000000000/s3/global/notes.txt") == Role::state);
  CHECK(role("api_states/x") == Role::state);
  CHECK(role("api_states/1/assets/x") == Role::state);
  CHECK(role("API_STATES/1/s3/global/x") == Role::state);
}

TEST_CASE("a state file's name makes state of a file in any folder but one for assets") {
  for (const char* path : {"sqs/store.pkl", "sqs/backend.json", "sqs/STORE", "moto_state.pkl", "x/y/z.State", "a.pickle", "b.dill"})
    CHECK(role(path) == Role::state);
  CHECK(role("metadata.yaml") == Role::other);
  CHECK(role(".pod/info.json") == Role::other);
  CHECK(role("README") == Role::other);
}
