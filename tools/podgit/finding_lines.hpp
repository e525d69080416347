// A finding of a check as lines of text, the same in every command that checks.
#pragma once

#include "session.hpp"

namespace podgit {

/// "fail  history: …", what it affects, and what to do, on standard output.
void print_finding(Session& session, const pod::Finding& finding);

}  // namespace podgit
