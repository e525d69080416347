// What the terminal can do.
#pragma once

#include "screen.hpp"

namespace podgit::inspect {

/// Standard input and output are one, and $TERM names one that has what a full screen needs.
bool can_browse();
/// Of the terminal's locale. Sets the process's character type to the user's.
Glyphs glyphs_of_terminal();

}  // namespace podgit::inspect
