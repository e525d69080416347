#include "finding_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace podgit {
namespace {

constexpr std::size_t affects_printed = 10;

}  // namespace

void print_finding(Session& session, const pod::Finding& finding) {
  using Level = pod::Finding::Level;
  const auto [word, colour] = finding.level == Level::ok     ? std::pair("ok  ", Colour::green)
                              : finding.level == Level::warn ? std::pair("warn", Colour::yellow)
                                                             : std::pair("fail", Colour::red);
  session.out().line(fmt::format("{}  {}: {}", session.paint(word, colour), pod::printable(finding.check),
                                 pod::printable(finding.detail)));
  const std::size_t shown = std::min(finding.affects.size(), affects_printed);
  // One alone stands in the line above.
  if (finding.affected > 1) {
    for (std::size_t i = 0; i < shown; ++i)
      session.out().line(fmt::format("      affects {}", pod::printable(finding.affects[i])));
    if (finding.affected > shown) session.out().line(fmt::format("      and {} more", finding.affected - shown));
  }
  if (!finding.fix.empty()) session.out().line(fmt::format("      fix: {}", pod::printable(finding.fix)));
}

}  // namespace podgit
