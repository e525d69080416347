#include "policy/policy.hpp"

#include <doctest/doctest.h>

using pod::StatePath;
using pod::policy::needs_whole_file;
using pod::policy::Role;

namespace {

Role role(std::string_view path) { return pod::policy::role_of(StatePath::parse(path)); }
bool whole(std::string_view path, std::string_view head) { return needs_whole_file(StatePath::parse(path), head); }

}  // namespace

TEST_CASE("whatever lies below api_states is state, whatever it is called") {
  CHECK(role("api_states/000000000000/s3/global/backend.state") == Role::state);
  CHECK(role("api_states/000000000000/s3/global/notes.txt") == Role::state);
  CHECK(role("api_states/x") == Role::state);
  CHECK(role("api_states/1/assets/x") == Role::state);
  CHECK(role("API_STATES/1/s3/global/x") == Role::state);
}

TEST_CASE("a state file's name makes state of a file in any folder but one for assets") {
  for (const char* path :
       {"sqs/store.pkl", "sqs/backend.json", "sqs/STORE", "moto_state.pkl", "x/y/z.State", "a.pickle", "b.dill"})
    CHECK(role(path) == Role::state);
  CHECK(role("metadata.yaml") == Role::other);
  CHECK(role(".pod/info.json") == Role::other);
  CHECK(role("README") == Role::other);
}

TEST_CASE("a body among assets is data, unless it is a pickle that is called like a store") {
  CHECK(role("assets/s3/blobs/ab/abcd") == Role::asset);
  CHECK(role("s3/assets/bucket/model.pkl") == Role::asset);
  CHECK(role("opensearch/elasticsearch/assets/nodes/0") == Role::asset);
  const std::string_view pickle = "\x80\x04}.";
  CHECK_FALSE(whole("s3/assets/bucket/model.pkl", pickle));
  CHECK_FALSE(whole("assets/s3/backend.json", "{}"));
  CHECK(whole("assets/s3/backend.state", pickle));
  CHECK(whole("s3/assets/Store.PKL", pickle));
}

TEST_CASE("what looks like a pickle is read whole wherever it lies") {
  const std::string_view pickle = "\x80\x04}.";
  CHECK(whole("metadata.yaml", pickle));
  CHECK(whole(".pod/info.json", pickle));
  CHECK(whole("docs/picture.png", pickle));
  CHECK_FALSE(whole("metadata.yaml", "name: shop\n"));
  CHECK(whole("api_states/1/x/y/z.txt", "name: shop\n"));
}
