// What libgit2 hands out, owned; its errors as pod::Error; its one-time start.
#pragma once

#include <libpod/error.hpp>
#include <libpod/names.hpp>

#include <git2.h>
#if __has_include(<git2/sys/errors.h>)  // since 1.8
#include <git2/sys/errors.h>
#endif

#include <algorithm>
#include <memory>
#include <string>

namespace pod::git {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
using ConfigHandle = std::unique_ptr<git_config, Freed<git_config_free>>;
using ConfigIteratorHandle = std::unique_ptr<git_config_iterator, Freed<git_config_iterator_free>>;
using ObjectHandle = std::unique_ptr<git_object, Freed<git_object_free>>;
using OdbHandle = std::unique_ptr<git_odb, Freed<git_odb_free>>;
using RefdbHandle = std::unique_ptr<git_refdb, Freed<git_refdb_free>>;
using RepositoryHandle = std::unique_ptr<git_repository, Freed<git_repository_free>>;

/// Starts libgit2 once in this process. It is never shut down: the host program may use it too, and what we hold
/// may outlive any order of destruction we could choose.
void start_libgit2();

/// The Error for a result below zero: `what` as the message, libgit2's own words as the cause.
Error libgit2_error(int result, ErrorCode code, std::string what);

/// For the end of a callback that libgit2 calls: hands the exception in flight to libgit2 as its error message.
int hand_to_libgit2() noexcept;

inline Oid from_git(const git_oid& id) {
  std::array<std::uint8_t, Oid::size> bytes{};
  std::copy(std::begin(id.id), std::end(id.id), bytes.begin());
  return Oid(bytes);
}
inline git_oid to_git(const Oid& id) {
  git_oid out{};
  std::copy(id.bytes().begin(), id.bytes().end(), std::begin(out.id));
  return out;
}

}  // namespace pod::git
