#include "store/findings.hpp"

namespace pod::store {

void Findings::add_all(const std::string& check, std::vector<Finding> found, const std::string& good) {
  if (found.empty()) return add(Level::ok, check, good);
  const std::size_t left_out = found.size() > findings_shown ? found.size() - findings_shown : 0;
  Level worst = Level::warn;
  for (const Finding& finding : found)
    if (finding.level == Level::fail) worst = Level::fail;
  found.resize(found.size() - left_out);
  for (Finding& finding : found) {
    finding.check = check;
    add(std::move(finding));
  }
  if (left_out > 0) add(worst, check, std::to_string(left_out) + " more of the same kind");
}

void Findings::add_lines(Level level, const std::string& check, const std::vector<std::string>& lines,
                         const std::string& good, const std::string& fix) {
  std::vector<Finding> found;
  found.reserve(lines.size());
  for (const std::string& line : lines) found.push_back({level, check, line, fix, {}, {}, 0});
  add_all(check, std::move(found), good);
}

}  // namespace pod::store
