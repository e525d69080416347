// A version's message as it stands in its commit.
//
//   <what the user wrote>
//   (empty line)
//   Pod-Version: 3
//
// The trailer is a paragraph of its own and the last line, so that a line of the user's that looks like it is not one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pod::store {

std::string compose_message(std::string_view text, std::int64_t number);

struct Words {
  std::string text;
  std::int64_t number = 0;  // 0: no trailer
};
Words split_message(std::string_view message);

}  // namespace pod::store
