#include "store/message.hpp"

#include <doctest/doctest.h>

using namespace pod::store;

TEST_CASE("a version's number is the last line of its message, in a paragraph of its own") {
  CHECK(compose_message("subject", 3) == "subject\n\nPod-Version: 3\n");
  CHECK(compose_message("subject\n\nbody\n\n", 12) == "subject\n\nbody\n\nPod-Version: 12\n");
  CHECK(compose_message(" \n", 1) == "version 1\n\nPod-Version: 1\n");
}

TEST_CASE("what was written comes back without the trailer") {
  for (const char* text : {"subject", "subject\n\nbody", "Pod-Version: 99", "a\n\nPod-Version: 99",
                           "a\n\nSigned-off-by: x\nPod-Version: 99", "a\n---\nb", "# not a comment"}) {
    const Words words = split_message(compose_message(text, 7));
    CHECK(words.text == text);
    CHECK(words.number == 7);
  }
}

TEST_CASE("what only looks like a trailer is none") {
  for (const char* message :
       {"", "subject\n", "Pod-Version: 3\n", "a\n\nPod-Version: x\n", "a\n\nPod-Version: -1\n", "a\n\nPod-Version:3\n",
        "a\n\n Pod-Version: 3\n", "a\n\nPod-Version: 3\n\nmore\n", "a\n\nPod-Version: 99999999999999999999\n",
        "a\n\nPod-Version: \n", "a\n\npod-version: 3\n"})
    CHECK(split_message(message).number == 0);
  CHECK(split_message("a\n\nPod-Version: 3\n\n\n").number == 3);
}
