// What the browser lists: the resources of one version, or how two versions differ in them, as rows in order.
//
// Thread word: immutable once made. Cost: one pass over the inventory; names are not copied.
#pragma once

#include <libpod/resources.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podgit::inspect {

enum class Mark { none, added, removed, changed };

/// A row of the resources pane.
struct Item {
  enum class Kind {
    resource,
    collection,  // has no rule: name and elements
    unread,      // a state file that was not read
    elsewhere,   // a change outside of every resource
  };
  Kind kind = Kind::resource;
  Mark mark = Mark::none;
  std::string_view service;
  std::string_view account;
  std::string_view region;
  std::string_view type;
  std::string_view id;
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
  const pod::StateReading* file = nullptr;  // where it is; nullptr for what one version no longer has
  const pod::Resource* resource = nullptr;
  const pod::ResourceChange* change = nullptr;  // of a difference
  const pod::OtherChange* other = nullptr;
};

/// A row of the services pane.
struct Service {
  std::string_view name;
  std::uint64_t resources = 0;
  std::uint64_t bytes = 0;  // state files and assets; of a difference 0
  pod::Verdict verdict = pod::Verdict::accept;
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t changed = 0;
  std::size_t first = 0;  // of its items
  std::size_t last = 0;   // behind them
};

class Content {
 public:
  /// `title` names it: "shop:3".
  Content(std::string title, pod::Inventory inventory);
  /// `newer` and `older` are what the changes are looked up in.
  Content(std::string title, pod::ResourceDiff difference, const Content& older, const Content& newer);

  const std::string& title() const noexcept { return title_; }
  bool is_difference() const noexcept { return held_->difference.has_value(); }
  /// Sorted by service, account, region, type, id.
  const std::vector<Item>& items() const noexcept { return items_; }
  /// Sorted by name.
  const std::vector<Service>& services() const noexcept { return services_; }
  const pod::Inventory& inventory() const noexcept { return held_->inventory; }
  const std::vector<std::string>& not_compared() const noexcept;
  /// The worst of its files.
  pod::Verdict verdict() const noexcept;

 private:
  struct Held {
    pod::Inventory inventory;
    std::optional<pod::ResourceDiff> difference;
    std::vector<std::shared_ptr<const Held>> sides;
  };
  void add_items();
  void add_changes(const Content& older, const Content& newer);
  void sort_and_group();
  Service& service(std::string_view name);

  std::string title_;
  std::shared_ptr<const Held> held_;
  std::vector<Item> items_;
  std::vector<Service> services_;
};

}  // namespace podgit::inspect
