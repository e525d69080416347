#include "store/settings.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "git/repository.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace pod::store {

const std::vector<Setting>& needed_settings() {
  // What a repository is made with (stock git's automatic gc, for one, would expire what undo needs), and that refs/pod
  // is nobody's business but this store's.
  static const std::vector<Setting> needed = [] {
    std::vector<Setting> settings = git::first_settings();
    settings.emplace_back("transfer.hideRefs", "refs/pod");
    return settings;
  }();
  return needed;
}

bool is_reserved_setting(std::string_view key) {
  constexpr std::array<std::string_view, 12> reserved{"core",       "extensions", "include", "includeif",
                                                      "gc",         "pack",       "receive", "transfer",
                                                      "uploadpack", "alias",      "fsck",    "filter"};
  const std::string section = base::lower(key.substr(0, key.find('.')));
  return section == "maintenance" || std::find(reserved.begin(), reserved.end(), section) != reserved.end();
}

std::vector<std::string> unusual_settings(const std::vector<Setting>& entries) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : needed_settings()) {
    std::optional<std::string> is;  // the last one counts
    for (const Setting& entry : entries)
      if (base::lower(entry.first) == base::lower(key)) is = entry.second;
    if (!is)
      lines.push_back(key + " is not set; it should be " + value);
    else if (*is != value)
      lines.push_back(key + " is " + quote(*is) + "; it should be " + value);
  }
  return lines;
}

}  // namespace pod::store
