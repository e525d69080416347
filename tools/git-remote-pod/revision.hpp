// What git calls an object, asked of git itself.
#pragma once

#include <libpod/names.hpp>

#include <string_view>

namespace git_remote_pod {

/// As `git rev-parse` says, in the repository of the environment. Error(not_found).
pod::Oid find_revision(std::string_view revision);

}  // namespace git_remote_pod
