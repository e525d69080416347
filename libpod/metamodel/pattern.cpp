#include "metamodel/pattern.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <algorithm>

namespace pod::metamodel {
namespace {

[[noreturn]] void fail(std::string_view text, const char* why) {
  throw Error(ErrorCode::invalid_argument, "the path " + quote(text) + " " + why);
}

bool is_place(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() <= 4 && base::is_digits(text);
}

PatternStep parse_step(std::string_view text, std::string_view whole) {
  PatternStep step;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    step.class_name = text.substr(colon + 1);
    text = text.substr(0, colon);
    if (step.class_name.empty()) fail(whole, "has a class without a name");
  }
  if (text == "*") {
    step.kind = PatternStep::Kind::any;
  } else if (text == "{secret}") {
    step.kind = PatternStep::Kind::secret;
  } else if (text.size() > 2 && text.front() == '{' && text.back() == '}') {
    step.kind = PatternStep::Kind::variable;
    step.name = text.substr(1, text.size() - 2);
  } else if (text.size() == 2 && text[0] == '!' && base::is_digit(text[1])) {
    step.kind = PatternStep::Kind::argument;
    step.index = text[1] - '0';
  } else if (is_place(text)) {
    step.kind = PatternStep::Kind::index;
    step.index = std::stoi(std::string(text));
  } else {
    if (text.starts_with('@')) {
      step.kind = PatternStep::Kind::attribute;
      text.remove_prefix(1);
    }
    step.name = text;
    if (text.empty()) fail(whole, "has an empty step");
  }
  return step;
}

int hex_value(char c) {
  if (base::is_digit(c)) return c - '0';
  c = base::lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '~' && at + 2 < text.size() && hex_value(text[at + 1]) >= 0 && hex_value(text[at + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]));
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

Pattern Pattern::parse(std::string_view text) {
  Pattern pattern;
  if (text == ".") return pattern;
  std::string_view rest = text;
  if (rest.starts_with('/')) {
    pattern.from_store = true;
    rest.remove_prefix(1);
  }
  while (true) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    pattern.steps.push_back(parse_step(rest.substr(0, end), text));
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  if (pattern.steps.size() > most_steps) fail(text, "has too many steps");
  return pattern;
}

bool matches_glob(std::string_view glob, std::string_view text) {
  std::size_t star = std::string_view::npos;  // behind the last star
  std::size_t resume = 0;
  std::size_t g = 0;
  std::size_t t = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = ++g;
      resume = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::vector<PathStep> split_path(std::string_view path, std::size_t most) {
  std::vector<PathStep> steps;
  while (path.starts_with('/') && steps.size() < most) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    std::string_view text = path.substr(0, end);
    path.remove_prefix(end);
    PathStep step;
    if (text.starts_with('@')) {
      step.kind = PathStep::Kind::attribute;
      text.remove_prefix(1);
    } else if (!text.empty() && std::string_view("#%!&").find(text.front()) != std::string_view::npos) {
      step.kind = PathStep::Kind::other;
    }
    step.name = unescape(text);
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace pod::metamodel
