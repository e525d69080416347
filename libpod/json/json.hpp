// JSON with bounds on the way in and one canonical form on the way out. The only room that knows nlohmann_json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace pod::json {

using Value = nlohmann::json;  // objects sorted by key

struct Limits {
  std::uint64_t bytes = 64ull << 20;
  int depth = 64;
  std::uint64_t values = 4'000'000;
};

/// Throws Error(corrupt) that says where (`what` names the document): bad syntax, invalid UTF-8, duplicate keys,
/// trailing data; Error(refused) past a limit. Never recurses deeper than the limit.
Value parse(std::string_view text, std::string_view what, const Limits& limits = {});

/// Sorted keys, no white space, UTF-8, "\n" at the end: the same value gives the same bytes.
std::string canonical(const Value& value);

// Members by type; Error(corrupt) naming `what` and the member where it is missing or of another type.
std::string string_member(const Value& object, std::string_view name, std::string_view what);
std::int64_t integer_member(const Value& object, std::string_view name, std::string_view what);
std::uint64_t size_member(const Value& object, std::string_view name, std::string_view what);  // not negative
bool bool_member(const Value& object, std::string_view name, std::string_view what);
const Value& array_member(const Value& object, std::string_view name, std::string_view what);
const Value& object_member(const Value& object, std::string_view name, std::string_view what);
std::vector<std::string> strings_member(const Value& object, std::string_view name, std::string_view what);
std::optional<std::string> find_string(const Value& object, std::string_view name);

}  // namespace pod::json
