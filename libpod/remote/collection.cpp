#include "remote/collection.hpp"

#include "remote/layout.hpp"
#include "remote/root_set.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <iterator>

namespace pod::remote {
namespace {

/// HEADs are read again before so many removals.
constexpr std::size_t removals_a_look = 512;

/// Manifests first: so one that is there never names a pack that is not. An index without its pack is of no use to
/// anybody, the other way round it could be made again.
int order_of(Part part) {
  switch (part) {
    case Part::manifest: return 0;
    case Part::index: return 1;
    default: return 2;
  }
}

class Collector {
 public:
  Collector(objects::ObjectStore& store, const CollectionOptions& options, const Context& context)
      : store_(store),
        options_(options),
        context_(context),
        now_(store.now()),
        roots_(store, now_, options.connections) {}

  Collection run() {
    (void)find_format(store_, options_.door);
    roots_.add_current();
    look_at(std::string(pods_folder));
    for (const std::string& name : store_.folders(std::string(packs_folder))) {
      context_.cancel->check();
      const auto day = Day::parse(name);
      // What lies in a folder is not older than its day.
      if (!day || now_ - day->begin() >= grace) look_at(std::string(packs_folder) + name + '/');
    }
    for (std::vector<Garbage>& part : garbage_) std::sort(part.begin(), part.end(), by_key);
    if (!options_.dry_run) roots_.add_current();
    for (std::vector<Garbage>& part : garbage_)
      for (Garbage& one : part) take(std::move(one));
    return std::move(result_);
  }

 private:
  static bool by_key(const Garbage& a, const Garbage& b) { return a.key < b.key; }

  void look_at(const std::string& prefix) {
    store_.list(prefix, [&](const objects::ListedObject& object) {
      context_.cancel->check();
      const auto place = parse_key(object.key);
      if (!place) {
        ++result_.foreign;
      } else if (place->part == Part::head || now_ - object.info.modified < grace || roots_.holds(object.key)) {
        ++result_.kept;
      } else {
        garbage_[order_of(place->part)].push_back({object.key, object.info.size, object.info.modified});
      }
    });
  }

  void take(Garbage&& one) {
    context_.cancel->check();
    if (!options_.dry_run) {
      if (++since_look_ > removals_a_look) {
        roots_.add_current();
        since_look_ = 1;
      }
      if (roots_.holds(one.key)) {
        ++result_.kept;
        return;
      }
      store_.remove(objects::Key::parse(one.key));
    }
    result_.bytes += one.size;
    result_.removed.push_back(std::move(one));
  }

  objects::ObjectStore& store_;
  const CollectionOptions& options_;
  const Context& context_;
  const std::int64_t now_;  // before the first HEAD is read
  RootSet roots_;
  std::vector<Garbage> garbage_[3];
  std::size_t since_look_ = 0;
  Collection result_;
};

}  // namespace

Collection collect_garbage(objects::ObjectStore& store, const CollectionOptions& options, const Context& context) {
  return Collector(store, options, context).run();
}

}  // namespace pod::remote
