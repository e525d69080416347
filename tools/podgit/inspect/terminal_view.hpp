// The browser on a terminal: draws its screen, turns what is typed into its keys. The terminal is left as it was found,
// however the program ends.
#pragma once

#include "browser.hpp"

#include <libpod/context.hpp>

namespace podgit::inspect {

/// Until the user leaves. Throws Error(cancelled) when interrupted, Error(io) where the terminal cannot be used.
void browse(Browser& browser, bool colour, const pod::CancelToken& cancel);

}  // namespace podgit::inspect
