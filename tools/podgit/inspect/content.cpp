#include "content.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace podgit::inspect {
namespace {

auto place_of(const Item& item) {
  return std::tie(item.service, item.account, item.region, item.kind, item.type, item.id);
}

Mark mark_of(pod::ChangeKind kind) {
  switch (kind) {
    case pod::ChangeKind::added: return Mark::added;
    case pod::ChangeKind::removed: return Mark::removed;
    case pod::ChangeKind::changed: return Mark::changed;
  }
  return Mark::none;
}

std::uint64_t sum_of_counts(const pod::Resource& resource) {
  std::uint64_t sum = 0;
  for (const auto& [name, number] : resource.counts) sum += number;
  return sum;
}

Item item_of(const pod::StateReading& file) {
  Item item;
  item.service = file.service;
  item.account = file.account;
  item.region = file.region;
  item.file = &file;
  return item;
}

}  // namespace

Content::Content(std::string title, pod::Inventory inventory) : title_(std::move(title)) {
  auto held = std::make_shared<Held>();
  held->inventory = std::move(inventory);
  held_ = std::move(held);
  add_items();
  sort_and_group();
  for (const pod::StateReading& file : held_->inventory.files) {
    Service& of = service(file.service);
    of.bytes += file.bytes;
    of.verdict = std::max(of.verdict, file.verdict);
  }
  for (const pod::AssetSummary& assets : held_->inventory.assets) service(assets.service).bytes += assets.bytes;
}

Content::Content(std::string title, pod::ResourceDiff difference, const Content& older, const Content& newer)
    : title_(std::move(title)) {
  auto held = std::make_shared<Held>();
  held->difference = std::move(difference);
  held->sides = {older.held_, newer.held_};
  held_ = std::move(held);
  add_changes(older, newer);
  sort_and_group();
}

void Content::add_items() {
  std::size_t sum = 0;
  for (const pod::StateReading& file : held_->inventory.files) sum += file.resources.size() + file.unmapped.size() + 1;
  items_.reserve(sum);
  for (const pod::StateReading& file : held_->inventory.files) {
    Item item = item_of(file);
    for (const pod::Resource& resource : file.resources) {
      item.type = resource.type;
      item.id = resource.id;
      item.bytes = resource.bytes;
      item.count = sum_of_counts(resource);
      item.resource = &resource;
      items_.push_back(item);
    }
    item = item_of(file);
    item.kind = Item::Kind::collection;
    item.type = "collection";
    for (const auto& [name, elements] : file.unmapped) {
      item.id = name;
      item.count = elements;
      items_.push_back(item);
    }
    if (file.not_read.empty()) continue;
    item = item_of(file);
    item.kind = Item::Kind::unread;
    item.type = "not read";
    item.id = file.path.str();
    item.bytes = file.bytes;
    items_.push_back(item);
  }
}

void Content::add_changes(const Content& older, const Content& newer) {
  const auto look_up = [](const Content& content, Item& item) {
    const auto found = std::lower_bound(content.items_.begin(), content.items_.end(), item,
                                        [](const Item& a, const Item& b) { return place_of(a) < place_of(b); });
    if (found == content.items_.end() || place_of(*found) != place_of(item)) return;
    item.file = found->file;
    item.resource = found->resource;
    item.bytes = found->bytes;
    item.count = found->count;
  };
  for (const pod::ResourceChange& change : held_->difference->resources) {
    Item item;
    item.mark = mark_of(change.kind);
    item.service = change.service;
    item.account = change.account;
    item.region = change.region;
    item.type = change.type;
    item.id = change.id;
    item.change = &change;
    look_up(item.mark == Mark::removed ? older : newer, item);
    items_.push_back(item);
  }
  for (const pod::OtherChange& change : held_->difference->others) {
    Item item;
    item.kind = Item::Kind::elsewhere;
    item.mark = mark_of(change.kind);
    item.service = pod::service_of(change.path);
    item.type = "file";
    item.id = change.path.str();
    item.other = &change;
    items_.push_back(item);
  }
}

void Content::sort_and_group() {
  const auto before = [](const Item& a, const Item& b) { return place_of(a) < place_of(b); };
  if (!std::is_sorted(items_.begin(), items_.end(), before)) std::stable_sort(items_.begin(), items_.end(), before);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (services_.empty() || services_.back().name != items_[i].service) {
      services_.push_back({});
      services_.back().name = items_[i].service;
      services_.back().first = i;
    }
    Service& of = services_.back();
    of.last = i + 1;
    const Item& item = items_[i];
    if (item.kind == Item::Kind::resource) ++of.resources;
    if (item.mark == Mark::added) ++of.added;
    if (item.mark == Mark::removed) ++of.removed;
    if (item.mark == Mark::changed) ++of.changed;
  }
}

Service& Content::service(std::string_view name) {
  const auto found = std::lower_bound(services_.begin(), services_.end(), name,
                                      [](const Service& of, std::string_view wanted) { return of.name < wanted; });
  if (found != services_.end() && found->name == name) return *found;
  Service made;
  made.name = name;
  made.first = made.last = found == services_.end() ? items_.size() : found->first;
  return *services_.insert(found, made);
}

const std::vector<std::string>& Content::not_compared() const noexcept {
  static const std::vector<std::string> none;
  return held_->difference ? held_->difference->not_compared : none;
}

pod::Verdict Content::verdict() const noexcept {
  pod::Verdict worst = pod::Verdict::accept;
  for (const pod::StateReading& file : held_->inventory.files) worst = std::max(worst, file.verdict);
  return worst;
}

}  // namespace podgit::inspect
