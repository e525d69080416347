// A version's head, as git shows a commit's.
#pragma once

#include "session.hpp"

#include <libpod/store.hpp>

namespace podgit {

/// That there are older versions, and how they are had.
void tell_older(Session& session, const pod::Version& version);
/// Name, commit, author, date, message indented by four.
void print_version_header(Session& session, const pod::Version& version);

}  // namespace podgit
