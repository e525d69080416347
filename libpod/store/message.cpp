#include "store/message.hpp"

#include "base/ascii.hpp"

#include <charconv>

namespace pod::store {
namespace {

constexpr std::string_view key = "Pod-Version: ";
constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view without_end(std::string_view text) {
  const auto last = text.find_last_not_of(blanks);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

}  // namespace

std::string compose_message(std::string_view text, std::int64_t number) {
  text = without_end(text);
  while (!text.empty() && blanks.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  const std::string digits = std::to_string(number);
  // A trailer alone would be taken for the subject.
  const std::string body = text.empty() ? "version " + digits : std::string(text);
  return body + "\n\n" + std::string(key) + digits + "\n";
}

Words split_message(std::string_view message) {
  const std::string_view whole = without_end(message);
  const auto line_start = whole.rfind('\n');
  if (line_start == std::string_view::npos) return {std::string(whole), 0};
  const std::string_view last = whole.substr(line_start + 1);
  const std::string_view digits = last.starts_with(key) ? last.substr(key.size()) : std::string_view();
  std::int64_t number = 0;
  if (!base::is_digits(digits) || digits.size() > 18) return {std::string(whole), 0};
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return {std::string(without_end(whole.substr(0, line_start))), number};
}

}  // namespace pod::store
