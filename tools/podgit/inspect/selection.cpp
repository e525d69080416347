#include "selection.hpp"

#include <algorithm>
#include <cstring>

namespace podgit::inspect {
namespace {

char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

char upper_letter(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// Where `c` is from `at` on, or npos; `last` is the last place that is looked at.
std::size_t find_letter(std::string_view text, char c, std::size_t at, std::size_t last) {
  if (at > last) return std::string_view::npos;
  const void* found = std::memchr(text.data() + at, c, last - at + 1);
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool holds(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return true;
  if (text.size() < wanted.size()) return false;
  const std::size_t last = text.size() - wanted.size();
  for (const char first : {wanted.front(), upper_letter(wanted.front())}) {
    for (std::size_t at = find_letter(text, first, 0, last); at != std::string_view::npos;
         at = find_letter(text, first, at + 1, last)) {
      std::size_t same = 1;
      while (same < wanted.size() && lower_letter(text[at + same]) == wanted[same]) ++same;
      if (same == wanted.size()) return true;
    }
    if (first == upper_letter(first)) break;  // a letter without case
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_letter);
  return out;
}

bool matches(const Item& item, std::string_view wanted) {
  return holds(item.id, wanted) || holds(item.type, wanted) || holds(item.region, wanted) ||
         holds(item.account, wanted) || (item.resource != nullptr && holds(item.resource->arn, wanted));
}

pod::Inventory Selection::of(pod::Inventory inventory) const {
  if (everything()) return inventory;
  const std::string wanted = lower(text);
  std::vector<pod::StateReading> files;
  for (pod::StateReading& file : inventory.files) {
    if (!lists(services, file.service)) continue;
    const bool whole = holds(file.path.str(), wanted);
    std::erase_if(file.resources, [&](const pod::Resource& resource) {
      return !lists(types, resource.type) ||
             !(whole || holds(resource.id, wanted) || holds(resource.type, wanted) || holds(resource.arn, wanted));
    });
    std::erase_if(file.unmapped, [&](const auto& collection) {
      return !types.empty() || !(whole || holds(collection.first, wanted));
    });
    const bool unread = !file.not_read.empty() && types.empty() && whole;
    const bool whole_file = types.empty() && text.empty();
    if (unread || whole_file || !file.resources.empty() || !file.unmapped.empty()) files.push_back(std::move(file));
  }
  inventory.files = std::move(files);
  std::erase_if(inventory.assets, [&](const pod::AssetSummary& assets) {
    return !lists(services, assets.service) || !types.empty() || !holds(assets.service, wanted);
  });
  return inventory;
}

}  // namespace podgit::inspect
