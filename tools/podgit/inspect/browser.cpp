#include "browser.hpp"

#include "selection.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace podgit::inspect {
namespace {

constexpr std::size_t fields_at_once = 1000;

std::string file_name_for(std::string_view title, std::string_view service, const Item* item) {
  std::string name(title.substr(0, title.find(' ')));
  for (const std::string_view part :
       {service, item != nullptr ? item->type : std::string_view(), item != nullptr ? item->id : std::string_view()})
    if (!part.empty()) name += "-" + std::string(part.substr(0, 60));
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!plain) c = '-';
  }
  name.erase(0, std::min(name.find_first_not_of(".-"), name.size()));
  return (name.empty() ? "resources" : name) + ".json";
}

}  // namespace

Browser::Browser(Content content, StateReader& reader, Options options)
    : reader_(reader), glyphs_(options.glyphs), content_(std::move(content)) {
  filter(Pane::resources) = std::move(options.filter);
  show(content_);
}

void Browser::resize(std::size_t columns, std::size_t rows) {
  width_ = std::max<std::size_t>(columns, 1);
  height_ = std::max<std::size_t>(rows, 1);
  settle();
}

std::optional<std::string> Browser::take_copied() { return std::exchange(copied_, std::nullopt); }

/// Keeps the chosen service and resource where the new content has them too.
void Browser::show(Content content) {
  const Service* of = services_.empty() ? nullptr : service();
  const std::string service_name(of != nullptr ? of->name : std::string_view());
  const Item* chosen = item();
  const std::string type(chosen != nullptr ? chosen->type : std::string_view());
  const std::string id(chosen != nullptr ? chosen->id : std::string_view());
  content_ = std::move(content);
  list_services();
  if (!service_name.empty())
    for (std::size_t i = 0; i < services_.size(); ++i)
      if (content_.services()[services_[i]].name == service_name) scroll(Pane::services).at = i + 1;
  choose_service();
  if (id.empty()) return;
  for (std::size_t i = 0; i < listed_.size(); ++i) {
    const Item& other = content_.items()[listed_[i]];
    if (other.type != type || other.id != id) continue;
    scroll(Pane::resources).at = i;
    choose_resource();
    break;
  }
}

const Service* Browser::service() const {
  const std::size_t at = scroll(Pane::services).at;
  return at == 0 || at > services_.size() ? nullptr : &content_.services()[services_[at - 1]];
}

const Item* Browser::item() const {
  const std::size_t at = scroll(Pane::resources).at;
  return at < listed_.size() ? &content_.items()[listed_[at]] : nullptr;
}

std::size_t Browser::size_of(Pane pane) const {
  switch (pane) {
    case Pane::services: return services_.size() + 1;
    case Pane::resources: return listed_.size();
    case Pane::details: return details_listed_.size();
  }
  return 0;
}

void Browser::settle() {
  for (const Pane pane : {Pane::services, Pane::resources, Pane::details})
    scroll(pane).settle(size_of(pane), body_height());
  picker_.settle(versions_.size(), body_height());
}

void Browser::list_services() {
  const std::string wanted = lower(filter(Pane::services));
  const auto& all = content_.services();
  services_.clear();
  most_service_ = 0;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    most_service_ = std::max(most_service_, all[i].bytes);
    if (holds(all[i].name, wanted)) services_.push_back(i);
  }
  const auto weight = [&](std::uint32_t index) {
    const Service& of = all[index];
    if (sorts_[0] == SortBy::size) return of.bytes;
    return of.resources + of.added + of.removed + of.changed;
  };
  if (sorts_[0] != SortBy::name)
    std::stable_sort(services_.begin(), services_.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return weight(a) > weight(b); });
}

void Browser::filter_services() {
  list_services();
  scroll(Pane::services) = {};
  if (!filter(Pane::services).empty() && !services_.empty()) scroll(Pane::services).at = 1;
  choose_service();
}

void Browser::choose_service() {
  order_resources();
  match_resources();
  list_resources();
}

void Browser::order_resources() {
  const Service* of = service();
  const auto& items = content_.items();
  const std::size_t first = of != nullptr ? of->first : 0;
  const std::size_t last = of != nullptr ? of->last : items.size();
  ordered_.resize(last - first);
  longest_type_ = 0;
  for (std::size_t i = first; i < last; ++i) {
    ordered_[i - first] = static_cast<std::uint32_t>(i);
    const std::size_t of_service = of == nullptr ? items[i].service.size() + 1 : 0;
    longest_type_ = std::max(longest_type_, items[i].type.size() + of_service);
  }
  if (sorts_[1] == SortBy::name) return;
  // beside each other what is compared: to look it up for each comparison takes three times as long
  std::vector<std::pair<std::uint64_t, std::uint32_t>> weights;
  weights.reserve(ordered_.size());
  for (const std::uint32_t index : ordered_)
    weights.emplace_back(~(sorts_[1] == SortBy::size ? items[index].bytes : items[index].count), index);
  std::sort(weights.begin(), weights.end());
  for (std::size_t i = 0; i < weights.size(); ++i) ordered_[i] = weights[i].second;
}

/// In the order in which they lie in memory, whatever the order they are listed in.
void Browser::match_resources() {
  const std::string wanted = lower(filter(Pane::resources));
  const auto& items = content_.items();
  matched_.assign(items.size(), wanted.empty());
  if (wanted.empty()) return;
  const Service* of = service();
  const std::size_t last = of != nullptr ? of->last : items.size();
  for (std::size_t i = of != nullptr ? of->first : 0; i < last; ++i) matched_[i] = matches(items[i], wanted);
}

void Browser::filter_resources() {
  match_resources();
  list_resources();
}

void Browser::list_resources() {
  listed_.clear();
  for (const std::uint32_t index : ordered_)
    if (matched_[index]) listed_.push_back(index);
  scroll(Pane::resources) = {};
  choose_resource();
}

void Browser::choose_resource() {
  levels_.clear();
  fields_loaded_ = false;
  filter(Pane::details).clear();
  scroll(Pane::details) = {};
  details_.clear();
  if (focus_ == Pane::services)
    details_ = facts_of(content_, service());
  else if (const Item* chosen = item())
    details_ = facts_of(*chosen);
  list_details();
  if (focus_ == Pane::details) load_fields(0);
}

void Browser::list_details() {
  const std::string wanted = lower(filter(Pane::details));
  details_listed_.clear();
  for (std::size_t i = 0; i < details_.size(); ++i)
    if (holds(details_[i].label, wanted) || holds(details_[i].value, wanted)) details_listed_.push_back(i);
  settle();
}

/// The fields at the level that is shown, from `first` on.
void Browser::load_fields(std::size_t first) {
  const Item* chosen = item();
  if (chosen == nullptr || chosen->file == nullptr || chosen->mark == Mark::removed ||
      chosen->kind == Item::Kind::unread || fields_loaded_)
    return;
  fields_loaded_ = true;
  if (!details_.empty() && details_.back().kind == DetailLine::Kind::more) details_.pop_back();
  trying([&] {
    const std::string path = !levels_.empty()              ? levels_.back().path
                             : chosen->resource != nullptr ? chosen->resource->path
                                                           : "";
    const auto fields = reader_.fields(chosen->file->path, path, first, fields_at_once + 1);
    if (first == 0 && levels_.empty() && !fields.empty())
      details_.push_back({DetailLine::Kind::heading, Mark::none, "fields", "", "", 0});
    if (first == 0 && fields.empty() && !levels_.empty())
      details_.push_back({DetailLine::Kind::note, Mark::none, "nothing below", "", "", 0});
    for (std::size_t i = 0; i < std::min(fields.size(), fields_at_once); ++i) details_.push_back(line_of(fields[i]));
    if (fields.size() > fields_at_once) {
      details_.push_back({DetailLine::Kind::more, Mark::none, "more", "", path, first + fields_at_once});
    }
  });
  list_details();
}

void Browser::sort() {
  if (focus_ == Pane::details) return;
  SortBy& by = sorts_[static_cast<std::size_t>(focus_)];
  by = by == SortBy::name ? SortBy::size : by == SortBy::size ? SortBy::count : SortBy::name;
  if (focus_ == Pane::services) {
    list_services();
    scroll(Pane::services) = {};
    choose_service();
  } else {
    order_resources();
    list_resources();
  }
}

void Browser::start_picking(Mode mode) {
  trying([&] {
    versions_ = reader_.versions();
    if (versions_.empty()) {
      message_ = "this is no version of a pod";
      return;
    }
    mode_ = mode;
    picker_ = {};
    // what it is compared with is most often the one before
    const std::string now = (version_ ? *version_ : content_).title();
    for (std::size_t i = 0; i < versions_.size(); ++i)
      if (now == versions_[i].name || now.starts_with(versions_[i].name + " "))
        picker_.at = mode == Mode::pick_difference ? std::min(i + 1, versions_.size() - 1) : i;
  });
}

void Browser::pick() {
  const Mode mode = std::exchange(mode_, Mode::browse);
  if (picker_.at >= versions_.size()) return;
  const std::string name = versions_[picker_.at].name;
  trying([&] {
    if (mode == Mode::pick_version) {
      show(reader_.open(name));
      version_.reset();
      return;
    }
    const Content now = version_ ? *version_ : content_;
    Content difference = reader_.compare(name, now);
    if (!version_) version_ = now;
    if (difference.items().empty()) message_ = "no resource differs";
    show(std::move(difference));
  });
}

void Browser::ask_file_name() {
  if (item() == nullptr && focus_ != Pane::services) return;
  const Service* of = service();
  const Item* chosen = focus_ == Pane::services ? nullptr : item();
  const std::string_view service_name = chosen != nullptr ? chosen->service
                                        : of != nullptr   ? of->name
                                                          : std::string_view();
  typed_ = file_name_for(content_.title(), service_name, chosen);
  mode_ = Mode::file_name;
}

void Browser::save() {
  mode_ = Mode::browse;
  std::vector<const Item*> items;
  if (focus_ == Pane::services)
    for (const std::uint32_t index : ordered_) items.push_back(&content_.items()[index]);
  else if (const Item* chosen = item())
    items.push_back(chosen);
  trying([&] { message_ = reader_.save(typed_, items); });
}

void Browser::copy() {
  const Item* chosen = focus_ == Pane::services ? nullptr : item();
  if (chosen == nullptr) return;
  const bool has_arn = chosen->resource != nullptr && !chosen->resource->arn.empty();
  // escapes in a name would be the terminal's to run
  copied_ = pod::printable(has_arn ? chosen->resource->arn : chosen->id).substr(0, 4096);
  message_ = fmt::format("copied the {}", has_arn ? "ARN" : "name");
}

template <class Action>
void Browser::trying(Action action) {
  try {
    action();
  } catch (const pod::Error& error) {
    if (error.code() == pod::ErrorCode::cancelled) throw;
    message_ = error.message();
    if (!error.causes().empty()) message_ += ": " + error.causes().front();
  }
}

}  // namespace podgit::inspect
