#include "git/libgit2.hpp"

#include <exception>
#include <utility>

namespace pod::git {

void start_libgit2() {
  static const int started = git_libgit2_init();
  if (started < 0) throw libgit2_error(started, ErrorCode::internal, "cannot start libgit2");
}

Error libgit2_error(int result, ErrorCode code, std::string what) {
  Error error(code, std::move(what));
  const git_error* last = git_error_last();
  if (last != nullptr && last->message != nullptr)
    error.because(printable(last->message));
  else
    error.because("libgit2 error " + std::to_string(result));
  git_error_clear();
  return error;
}

int hand_to_libgit2() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    git_error_set_str(GIT_ERROR_ODB, error.what());
    return error.code() == ErrorCode::not_found ? GIT_ENOTFOUND : GIT_ERROR;
  } catch (const std::bad_alloc&) {
    git_error_set_oom();
  } catch (const std::exception& error) {
    git_error_set_str(GIT_ERROR_ODB, error.what());
  } catch (...) {
    git_error_set_str(GIT_ERROR_ODB, "unknown failure");
  }
  return GIT_ERROR;
}

}  // namespace pod::git
