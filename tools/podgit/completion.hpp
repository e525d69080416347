// Completion in shells: the script, and the hidden command that it asks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podgit {

std::string_view bash_completion_script();

/// For `podgit __complete WORD…`: the words after "podgit" up to the cursor, the last one the word that is completed.
/// Prints "words", "files" or "dirs" and then the candidates, one a line. Reads the store on this machine, no network;
/// whatever goes wrong, there are no candidates.
int print_completions(const std::vector<std::string>& words);

}  // namespace podgit
