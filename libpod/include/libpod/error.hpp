// The one exception of libpod, and what every public header shares: symbol visibility and the library's version.
//
// An error says four things: what failed (message), why (causes, outermost first), what is unchanged or saved (kept),
// and what to do next (hint). All are single lines without a final full stop; names stand in double quotes with control
// bytes escaped.
//
// Thread word: a value, one thread at a time.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#if defined(__GNUC__)
#define POD_API __attribute__((visibility("default")))
#else
#define POD_API
#endif

namespace pod {

/// Version of the library that is running, "major.minor.patch". Safe from any thread.
POD_API std::string_view version() noexcept;

/// Version of the store format that this library writes, and the newest it reads.
POD_API int store_format() noexcept;

/// A closed list: callers may switch over it. The comment gives podgit's exit code.
enum class ErrorCode {
  invalid_argument,  // 2
  not_found,         // 5
  already_exists,    // 6
  conflict,          // 6
  corrupt,           // 7
  unsupported,       // 1
  incompatible,      // 11
  refused,           // 8  a limit or a policy says no
  denied,            // 4  not logged in, or no right
  busy,              // 10
  unreachable,       // 9
  io,                // 1
  outcome_unknown,   // 13
  cancelled,         // 130
  internal,          // 1
};

/// Stable name for machines, e.g. "NOT_FOUND".
POD_API std::string_view code_name(ErrorCode code) noexcept;
/// Exit code of a command that ends with this error.
POD_API int exit_code(ErrorCode code) noexcept;

class POD_API Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);
  ~Error() override;
  Error(const Error&);
  Error& operator=(const Error&);

  ErrorCode code() const noexcept { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }
  const std::string& message() const noexcept { return message_; }
  const std::vector<std::string>& causes() const noexcept { return causes_; }
  const std::string& kept() const noexcept { return kept_; }
  const std::string& next() const noexcept { return hint_; }
  /// The same call may succeed later without any change by the caller.
  bool retryable() const noexcept;

  /// Adds why it failed; the first cause added is the nearest.
  Error& because(std::string cause) &;
  Error&& because(std::string cause) &&;
  /// Says what is unchanged or saved, e.g. "the instance was not changed".
  Error& keeping(std::string kept) &;
  Error&& keeping(std::string kept) &&;
  /// Says what to do next, best as a command.
  Error& hint(std::string hint) &;
  Error&& hint(std::string hint) &&;
  /// Puts a new message in front; the old one becomes the first cause. For context added while unwinding.
  Error& within(std::string message) &;

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<std::string> causes_;
  std::string kept_;
  std::string hint_;
};

/// `text` in double quotes, with control bytes, quotes, backslashes, bidi controls and invalid UTF-8 escaped as \xNN
/// and cut after 200 bytes with "…": safe for any terminal.
POD_API std::string quote(std::string_view text);
/// The same escapes without quotes and without a cut.
POD_API std::string printable(std::string_view text);

}  // namespace pod
