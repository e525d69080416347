#include <libpod/error.hpp>

#include "base/utf8.hpp"

#include <array>
#include <utility>

namespace pod {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view name;
  int exit;
};

constexpr std::array code_rows{
    CodeRow{ErrorCode::invalid_argument, "INVALID_ARGUMENT", 2},
    CodeRow{ErrorCode::not_found, "NOT_FOUND", 5},
    CodeRow{ErrorCode::already_exists, "ALREADY_EXISTS", 6},
    CodeRow{ErrorCode::conflict, "CONFLICT", 6},
    CodeRow{ErrorCode::corrupt, "CORRUPT", 7},
    CodeRow{ErrorCode::unsupported, "UNSUPPORTED", 1},
    CodeRow{ErrorCode::incompatible, "INCOMPATIBLE", 11},
    CodeRow{ErrorCode::refused, "REFUSED", 8},
    CodeRow{ErrorCode::denied, "DENIED", 4},
    CodeRow{ErrorCode::busy, "BUSY", 10},
    CodeRow{ErrorCode::unreachable, "UNREACHABLE", 9},
    CodeRow{ErrorCode::io, "IO", 1},
    CodeRow{ErrorCode::outcome_unknown, "OUTCOME_UNKNOWN", 13},
    CodeRow{ErrorCode::cancelled, "CANCELLED", 130},
    CodeRow{ErrorCode::internal, "INTERNAL", 1},
};

const CodeRow& row_of(ErrorCode code) noexcept {
  for (const auto& row : code_rows)
    if (row.code == code) return row;
  return code_rows.back();
}

/// Zero-width and direction controls that could make a terminal show another name than the bytes say.
bool is_deceptive(char32_t point) {
  return (point >= 0x80 && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
         point == 0x061c || point == 0x00ad || point == 0x180e || (point >= 0xfff9 && point <= 0xfffb) ||
         (point >= 0xe0000 && point < 0xe0080);
}

void escape_byte(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out += "\\x";
  out += digits[value >> 4];
  out += digits[value & 15];
}

/// Appends the escaped form of `text` until `limit` bytes are there; false if something was left.
bool escape(std::string& out, std::string_view text, bool in_quotes, std::size_t limit) {
  while (!text.empty()) {
    if (out.size() >= limit) return false;
    const auto [point, length] = base::decode_utf8(text);
    const std::string_view piece = text.substr(0, length);
    const bool hidden = point == base::invalid_point || point < 0x20 || point == 0x7f || is_deceptive(point);
    if (in_quotes && (piece == "\"" || piece == "\\")) {
      out += '\\';
      out += piece;
    } else if (hidden) {
      for (const char byte : piece) escape_byte(out, byte);
    } else {
      out += piece;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string_view code_name(ErrorCode code) noexcept { return row_of(code).name; }
int exit_code(ErrorCode code) noexcept { return row_of(code).exit; }

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
Error::~Error() = default;
Error::Error(const Error&) = default;
Error& Error::operator=(const Error&) = default;

bool Error::retryable() const noexcept { return code_ == ErrorCode::busy || code_ == ErrorCode::unreachable; }

Error& Error::because(std::string cause) & {
  causes_.push_back(std::move(cause));
  return *this;
}
Error&& Error::because(std::string cause) && { return std::move(this->because(std::move(cause))); }

Error& Error::keeping(std::string kept) & {
  kept_ = std::move(kept);
  return *this;
}
Error&& Error::keeping(std::string kept) && { return std::move(this->keeping(std::move(kept))); }

Error& Error::hint(std::string hint) & {
  hint_ = std::move(hint);
  return *this;
}
Error&& Error::hint(std::string hint) && { return std::move(this->hint(std::move(hint))); }

Error& Error::within(std::string message) & {
  causes_.insert(causes_.begin(), std::exchange(message_, std::move(message)));
  return *this;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  if (!escape(out, text, true, 200)) out += "…";
  return out += '"';
}

std::string printable(std::string_view text) {
  std::string out;
  escape(out, text, false, std::string::npos);
  return out;
}

}  // namespace pod
