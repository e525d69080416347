// What standard input, output and error are connected to, and what that means for colour, width and questions.
#pragma once

#include <libpod/context.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace podgit {

enum class Colour { plain, bold, red, green, yellow, cyan, dim };
enum class ColourChoice { automatic, always, never };

/// `text` with the colour's escapes around it where `paint`; 16 colours only.
std::string painted(std::string_view text, Colour colour, bool paint);

/// Order: the flag, NO_COLOR, CLICOLOR_FORCE, TERM=dumb, whether `fd` is a terminal.
bool use_colour(int fd, ColourChoice choice);

bool is_terminal(int fd);
/// A terminal that understands cursor movement.
bool can_animate(int fd);
/// Columns and rows of the terminal at `fd`; $COLUMNS or 80, $LINES or 24 where it does not say. At least 1.
std::size_t terminal_width(int fd);

/// Standard input and standard error are terminals.
bool can_ask();
/// Asks on standard error; true only for "y" or "yes". Throws pod::Error(cancelled) when interrupted.
bool ask(std::string_view question, const pod::CancelToken& cancel);

/// Standard input up to the first line end, not echoed on a terminal; for secrets.
std::string read_secret_line(std::string_view prompt, const pod::CancelToken& cancel);

}  // namespace podgit
