#include <libpod/names.hpp>

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <algorithm>
#include <charconv>

namespace pod {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

[[noreturn]] void bad_name(std::string_view text, const char* rule) {
  throw Error(ErrorCode::invalid_argument, "invalid pod name " + quote(text) + ": " + rule)
      .hint("a pod name is up to 128 letters, digits, '.', '_' and '-', and starts with a letter or digit");
}

std::int64_t parse_number(std::string_view text, std::string_view digits, const char* what) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole =
      !digits.empty() && base::is_digits(digits) && error == std::errc() && end == digits.data() + digits.size();
  if (!whole)
    throw Error(ErrorCode::invalid_argument, "invalid reference " + quote(text) + ": " + what)
        .hint("write POD, POD:3 for version 3, POD~1 for the one before the latest, or rev:<git revision>");
  return number;
}

}  // namespace

Oid Oid::parse(std::string_view hex) {
  std::array<std::uint8_t, size> bytes{};
  bool good = hex.size() == 2 * size;
  for (std::size_t i = 0; good && i < size; ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    good = high >= 0 && low >= 0;
    bytes[i] = static_cast<std::uint8_t>((high << 4 | low) & 0xff);
  }
  if (!good) throw Error(ErrorCode::invalid_argument, "invalid object id " + quote(hex) + ": not 40 hex digits");
  return Oid(bytes);
}

std::string Oid::hex() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (const std::uint8_t byte : bytes_) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bool Oid::is_zero() const noexcept {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

PodName PodName::parse(std::string_view text) {
  if (text.empty()) bad_name(text, "it is empty");
  if (text.size() > 128) bad_name(text, "it has more than 128 characters");
  if (!base::is_alnum(text.front())) bad_name(text, "it must start with a letter or a digit");
  const bool good = std::all_of(text.begin(), text.end(),
                                [](char c) { return base::is_alnum(c) || c == '.' || c == '_' || c == '-'; });
  if (!good) bad_name(text, "it has a character that is not a letter, digit, '.', '_' or '-'");
  if (text.find("..") != std::string_view::npos) bad_name(text, "it has \"..\"");
  if (text.back() == '.') bad_name(text, "it ends in \".\"");
  if (base::lower(text).ends_with(".lock")) bad_name(text, "it ends in \".lock\"");
  if (base::lower(text) == "head") bad_name(text, "the name is reserved");
  return PodName(std::string(text));
}

PodRef PodRef::parse(std::string_view text) {
  PodRef ref;
  if (text.starts_with("rev:")) {
    const std::string_view revision = text.substr(4);
    // `rev:3` is version 3 of a pod named rev, as for any other name.
    if (!base::is_digits(revision)) {
      if (revision.empty() || revision.size() > 1024 || revision.find('\0') != std::string_view::npos)
        throw Error(ErrorCode::invalid_argument,
                    "invalid reference " + quote(text) + ": no git revision after \"rev:\"");
      ref.kind_ = Kind::revision;
      ref.revision_ = revision;
      return ref;
    }
  }
  std::string_view rest = text;
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    ref.remote_ = PodName::parse(rest.substr(0, slash)).str();
    rest.remove_prefix(slash + 1);
  }
  if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    ref.kind_ = Kind::version;
    ref.number_ = parse_number(text, rest.substr(colon + 1), "no version number after \":\"");
    if (ref.number_ < 1) parse_number(text, "", "versions are counted from 1");
    rest = rest.substr(0, colon);
  } else if (const auto tilde = rest.find('~'); tilde != std::string_view::npos) {
    ref.kind_ = Kind::back;
    const std::string_view digits = rest.substr(tilde + 1);
    ref.number_ = digits.empty() ? 1 : parse_number(text, digits, "no number after \"~\"");
    rest = rest.substr(0, tilde);
  }
  ref.pod_ = PodName::parse(rest);
  return ref;
}

PodRef PodRef::latest(PodName pod) {
  PodRef ref;
  ref.pod_ = std::move(pod);
  return ref;
}

PodRef PodRef::numbered(PodName pod, std::int64_t number) {
  PodRef ref = latest(std::move(pod));
  ref.kind_ = Kind::version;
  ref.number_ = number;
  return ref;
}

std::string PodRef::str() const {
  if (kind_ == Kind::revision) return "rev:" + revision_;
  std::string text = remote_ ? *remote_ + "/" : std::string();
  text += pod_->str();
  if (kind_ == Kind::version) text += ":" + std::to_string(number_);
  if (kind_ == Kind::back) text += "~" + std::to_string(number_);
  return text;
}

StatePath StatePath::parse(std::string_view text) {
  const auto bad = [&](const char* rule) {
    throw Error(ErrorCode::invalid_argument, "unsafe path " + quote(text) + ": " + rule);
  };
  if (text.empty()) bad("it is empty");
  if (text.size() > 1024) bad("it has more than 1,024 bytes");
  if (text.find('\0') != std::string_view::npos) bad("it holds a NUL byte");
  if (text.front() == '/') bad("it is absolute");
  StatePath path{std::string(text)};
  const auto components = path.components();
  if (components.size() > 64) bad("it has more than 64 components");
  for (const std::string_view component : components) {
    if (component.empty()) bad("it has an empty component");
    if (component == "." || component == "..") bad("it has a component \".\" or \"..\"");
    if (component.size() > 255) bad("it has a component of more than 255 bytes");
  }
  return path;
}

std::vector<std::string_view> StatePath::components() const {
  std::vector<std::string_view> parts;
  std::string_view rest = text_;
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    parts.push_back(rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
  }
  parts.push_back(rest);
  return parts;
}

}  // namespace pod
