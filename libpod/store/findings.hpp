// What a check has to say, collected.
#pragma once

#include <libpod/store.hpp>

#include <string>
#include <vector>

namespace pod::store {

/// Findings of one kind that are shown one by one; the others are counted.
inline constexpr std::size_t findings_shown = 20;
/// What one finding names at most of what it affects.
inline constexpr std::size_t affects_shown = 100;

class Findings {
 public:
  using Level = Finding::Level;
  void add(Finding finding) { all_.push_back(std::move(finding)); }
  void add(Level level, std::string check, std::string detail, std::string fix = {}) {
    all_.push_back({level, std::move(check), std::move(detail), std::move(fix), {}, {}, 0});
  }
  /// All of them, or `good` where there are none.
  void add_all(const std::string& check, std::vector<Finding> found, const std::string& good);
  /// The same for lines with one level and one fix.
  void add_lines(Level level, const std::string& check, const std::vector<std::string>& lines, const std::string& good,
                 const std::string& fix);
  std::vector<Finding> take() { return std::move(all_); }

 private:
  std::vector<Finding> all_;
};

}  // namespace pod::store
