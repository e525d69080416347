#include "errors.hpp"

#include "terminal.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <new>
#include <utility>

namespace podgit {
namespace {

Failure failure_from(const pod::Error& error) {
  const int exit = pod::exit_code(error.code());
  Failure out{std::string(pod::code_name(error.code())),
              std::string(category_of(exit)),
              exit,
              error.message(),
              error.causes(),
              error.kept(),
              error.retryable(),
              {}};
  if (!error.next().empty()) out.actions.push_back(error.next());
  return out;
}

Failure internal_failure(const char* what) {
  return {"INTERNAL", "failure", exit_status::failure, what, {}, "", false, {}};
}

}  // namespace

void throw_usage(std::string message, std::string action) {
  Failure failure{"USAGE", "usage", exit_status::usage, std::move(message), {}, "", false, {}};
  if (!action.empty()) failure.actions.push_back(std::move(action));
  throw CommandFailure(std::move(failure));
}

void throw_confirmation_needed(std::string message, std::string action) {
  Failure failure{"CONFIRMATION_REQUIRED",
                  "confirmation",
                  exit_status::confirmation_needed,
                  std::move(message),
                  {},
                  "nothing was changed",
                  false,
                  {}};
  if (!action.empty()) failure.actions.push_back(std::move(action));
  throw CommandFailure(std::move(failure));
}

Failure current_failure() noexcept try {
  try {
    throw;
  } catch (const pod::Error& error) {
    return failure_from(error);
  } catch (const CommandFailure& error) {
    return error.failure();
  } catch (const std::filesystem::filesystem_error& error) {
    return failure_from(pod::Error(pod::ErrorCode::io, "cannot use " + pod::quote(error.path1().native()))
                            .because(error.code().message()));
  } catch (const std::bad_alloc&) {
    return internal_failure("out of memory");
  } catch (const std::exception& error) {
    return internal_failure(error.what());
  } catch (...) {
    return internal_failure("an exception of an unknown type");
  }
} catch (...) {
  return {};
}

std::string_view category_of(int exit) noexcept {
  switch (exit) {
    case 2: return "usage";
    case 3: return "confirmation";
    case 4: return "denied";
    case 5: return "not-found";
    case 6: return "conflict";
    case 7: return "integrity";
    case 8: return "refused";
    case 9: return "unreachable";
    case 10: return "busy";
    case 11: return "incompatible";
    case 12: return "partial";
    case 13: return "outcome-unknown";
    case 130: return "interrupted";
    default: return "failure";
  }
}

std::string failure_text(const Failure& failure, bool paint) {
  std::string out = fmt::format("{}: {}\n", painted(fmt::format("error[{}]", failure.code), Colour::red, paint),
                                pod::printable(failure.message));
  for (const std::string& cause : failure.causes) out += fmt::format("  why: {}\n", pod::printable(cause));
  if (!failure.kept.empty()) out += fmt::format("  unchanged: {}\n", pod::printable(failure.kept));
  for (const std::string& action : failure.actions)
    out += fmt::format("  {}: {}\n", painted("hint", Colour::cyan, paint), pod::printable(action));
  return out;
}

}  // namespace podgit
