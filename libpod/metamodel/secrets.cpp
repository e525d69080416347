// Which fields hold secrets, which change by themselves: the same kind of rule, asked of a path.

#include "metamodel/rule_set.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace pod::metamodel {
namespace {

constexpr std::string_view dots = "••••";

/// How many steps from `from` on a field's path matches; 0 for none.
std::size_t match_from(const Rules::Impl& rules, const FieldRule& rule, const std::vector<PathStep>& path,
                       std::size_t from) {
  const std::vector<PatternStep>& steps = rule.pattern.steps;
  if (path.size() - from < steps.size()) return 0;
  for (std::size_t at = 0; at < steps.size(); ++at) {
    const PatternStep& wanted = steps[at];
    const PathStep& step = path[from + at];
    bool fits = false;
    switch (wanted.kind) {
      case PatternStep::Kind::name: fits = step.kind != PathStep::Kind::other && step.name == wanted.name; break;
      case PatternStep::Kind::attribute:
        fits = step.kind == PathStep::Kind::attribute && step.name == wanted.name;
        break;
      case PatternStep::Kind::any: fits = step.kind != PathStep::Kind::attribute; break;
      case PatternStep::Kind::secret:
        fits = step.kind != PathStep::Kind::other && rules.is_secret_name(step.name);
        break;
      case PatternStep::Kind::index:
        fits = step.kind == PathStep::Kind::key && step.name == std::to_string(wanted.index);
        break;
      case PatternStep::Kind::argument:
        fits = step.kind == PathStep::Kind::other && step.name == "!" + std::to_string(wanted.index);
        break;
      case PatternStep::Kind::variable: break;
    }
    if (!fits) return 0;
  }
  return steps.size();
}

/// Whether a rule speaks of the field at the path's end, or of one that it lies in.
bool covers(const Rules::Impl& rules, const FieldRule& rule, const std::vector<PathStep>& path, const Spot& spot) {
  if (!rule.glob.empty() && !matches_glob(rule.glob, spot.text)) return false;
  for (std::size_t from = 0; from < path.size(); ++from) {
    const std::size_t length = match_from(rules, rule, path, from);
    if (length == 0) continue;
    // Of the objects on the way only the last one's class is known.
    if (rule.class_name.empty() || (spot.class_name == rule.class_name && from + 1 == path.size())) return true;
  }
  return false;
}

bool any_covers(const Rules::Impl& rules, const std::vector<FieldRule>& fields, const std::vector<PathStep>& path,
                const Spot& spot) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const FieldRule& rule) { return covers(rules, rule, path, spot); });
}

}  // namespace

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (base::is_alnum(c)) plain += base::lower(c);
  return plain;
}

bool Rules::Impl::is_secret_name(std::string_view name) const {
  if (name.size() > 128) return false;
  const std::string plain = plain_name(name);
  const auto fits = [&](const std::string& glob) { return matches_glob(glob, plain); };
  return std::any_of(secret_names.begin(), secret_names.end(), fits) &&
         std::none_of(open_names.begin(), open_names.end(), fits);
}

bool Rules::is_secret(const Spot& spot) const {
  const std::vector<PathStep> path = split_path(spot.path);
  for (std::size_t at = 0; at < path.size(); ++at) {
    // An attribute is called so by a program. A key may be a user's word for a bucket; where it is one for a leaf, the
    // leaf is better hidden.
    const bool last_leaf = at + 1 == path.size() && spot.leaf;
    if (path[at].kind == PathStep::Kind::attribute || (path[at].kind == PathStep::Kind::key && last_leaf))
      if (impl_->is_secret_name(path[at].name)) return true;
  }
  if (any_covers(*impl_, impl_->everywhere.secrets, path, spot)) return true;
  const ServiceRules* service = impl_->find(spot.service);
  return service != nullptr && any_covers(*impl_, service->secrets, path, spot);
}

std::string Rules::shown_path(std::string_view service, std::string_view path) const {
  const ServiceRules* found = impl_->find(service);
  if (found == nullptr || found->secret_keys.empty()) return std::string(path);
  const std::vector<PathStep> steps = split_path(path);
  std::vector<bool> hidden(steps.size());
  for (const FieldRule& rule : found->secret_keys)
    for (std::size_t from = 0; from < steps.size(); ++from)
      if (const std::size_t length = match_from(*impl_, rule, steps, from); length > 0)
        hidden[from + length - 1] = true;
  std::string shown;
  for (const bool hide : hidden) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    if (hide)
      (shown += '/') += dots;
    else
      shown += path.substr(0, end);
    path.remove_prefix(end);
  }
  return shown.append(path);
}

bool Rules::is_volatile(const Spot& spot) const {
  const ServiceRules* found = impl_->find(spot.service);
  const std::vector<PathStep> path = split_path(spot.path);
  return any_covers(*impl_, impl_->everywhere.changing, path, spot) ||
         (found != nullptr && any_covers(*impl_, found->changing, path, spot));
}

std::string mask(std::uint64_t bytes) {
  return std::string(dots) + " (" + std::to_string(bytes) + (bytes == 1 ? " byte)" : " bytes)");
}

}  // namespace pod::metamodel
