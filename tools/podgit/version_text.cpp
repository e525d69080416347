#include "version_text.hpp"

#include "measures.hpp"

#include <fmt/format.h>

namespace podgit {

void tell_older(Session& session, const pod::Version& version) {
  session.note(fmt::format("versions before {} are not in this store", version.str()));
  session.hint(fmt::format("podgit fetch --unshallow{} brings them", version.pod ? " " + version.pod->str() : ""));
}

void print_version_header(Session& session, const pod::Version& version) {
  Output& out = session.out();
  out.line(session.paint(fmt::format("version {}", version.str()), Colour::yellow));
  out.line(fmt::format("Commit: {}", version.commit.hex()));
  out.line(fmt::format("Author: {} <{}>", pod::printable(version.author.name), pod::printable(version.author.email)));
  out.line(fmt::format("Date:   {}", long_time(version.time)));
  if (version.message.empty()) return;
  out.line("");
  std::string_view rest = version.message;
  while (!rest.empty() && rest.back() == '\n') rest.remove_suffix(1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out.line(end == 0 ? "" : "    " + pod::printable(rest.substr(0, end)));
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
}

}  // namespace podgit
