// What is said of a command that failed, in four parts: what, why, what is unchanged, what to do next.
#pragma once

#include <libpod/error.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace podgit {

namespace exit_status {
inline constexpr int done = 0;
inline constexpr int failure = 1;  // also: differences, with --exit-code
inline constexpr int usage = 2;
inline constexpr int confirmation_needed = 3;
inline constexpr int integrity = 7;
inline constexpr int refused = 8;  // by policy or limit
inline constexpr int partial = 12;
inline constexpr int interrupted = 130;
}  // namespace exit_status

struct Failure {
  std::string code;      // stable, e.g. "NOT_FOUND"
  std::string category;  // coarser, e.g. "not-found": one an exit code
  int exit = exit_status::failure;
  std::string message;
  std::vector<std::string> causes;
  std::string kept;
  bool retryable = false;
  std::vector<std::string> actions;  // what to do next
};

/// Thrown by podgit itself, for what libpod has no code for.
class CommandFailure : public std::exception {
 public:
  explicit CommandFailure(Failure failure) : failure_(std::move(failure)) {}
  const char* what() const noexcept override { return failure_.message.c_str(); }
  const Failure& failure() const noexcept { return failure_; }

 private:
  Failure failure_;
};

[[noreturn]] void throw_usage(std::string message, std::string action);
/// What cannot be undone was asked for where nobody can be asked, or the answer was no.
[[noreturn]] void throw_confirmation_needed(std::string message, std::string action);

/// Of the exception that is being handled: pod::Error, CommandFailure, anything else as INTERNAL.
Failure current_failure() noexcept;

/// "usage", "not-found", …: of an exit code.
std::string_view category_of(int exit) noexcept;

/// The lines for standard error; `paint` says whether with colour.
std::string failure_text(const Failure& failure, bool paint);

}  // namespace podgit
