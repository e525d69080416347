#include "objects/memory_store.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <map>
#include <mutex>

namespace pod::objects {
namespace {

struct Object {
  std::shared_ptr<const std::string> bytes;
  ObjectInfo info;
};

}  // namespace

class MemoryObjects {
 public:
  std::mutex mutex;
  std::map<std::string, Object> by_key;
  std::uint64_t versions = 0;

  /// A folder cannot hold both, so nobody gets used to it here.
  void check_place(const std::string& key) const {
    const auto next = by_key.lower_bound(key + "/");
    bool taken = next != by_key.end() && next->first.starts_with(key + "/");
    for (std::size_t slash = key.find('/'); !taken && slash != std::string::npos; slash = key.find('/', slash + 1))
      taken = by_key.count(key.substr(0, slash)) != 0;
    if (taken) throw Error(ErrorCode::refused, quote(key) + " would be an object and a folder at once");
  }
};

namespace {

Object made(const Key& key, const Content& content, const Context& context) {
  std::string bytes;
  read_checked(content, key, *context.cancel, [&](base::ConstBytes piece) { bytes += base::text_of(piece); });
  return {std::make_shared<const std::string>(std::move(bytes)), {content.size, {}, context.clock->now().seconds}};
}

}  // namespace

MemoryStore::MemoryStore(const Context& context) : context_(context), objects_(std::make_shared<MemoryObjects>()) {}

std::optional<ObjectInfo> MemoryStore::head(const Key& key) {
  const std::lock_guard lock(objects_->mutex);
  const auto found = objects_->by_key.find(key.str());
  if (found == objects_->by_key.end()) return std::nullopt;
  return found->second.info;
}

ReadResult MemoryStore::get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) {
  Object object;
  {
    const std::lock_guard lock(objects_->mutex);
    const auto found = objects_->by_key.find(key.str());
    if (found == objects_->by_key.end()) return {};
    object = found->second;
  }
  if (!options.unless_version.empty() && options.unless_version == object.info.version)
    return {ReadStatus::unchanged, object.info};
  check_version(options, object.info, key);
  std::string_view rest = *object.bytes;
  rest.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(options.offset, rest.size())));
  if (options.length)
    rest = rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(*options.length, rest.size())));
  if (rest.size() > options.limit)
    throw Error(ErrorCode::refused, quote(key.str()) + " is larger than the " + std::to_string(options.limit) +
                                        " bytes that are read of it");
  constexpr std::size_t piece = 256 << 10;
  for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
    context_.cancel->check();
    sink(base::bytes_of(rest.substr(0, piece)));
  }
  return {ReadStatus::read, object.info};
}

Creation MemoryStore::put_if_absent(const Key& key, const Content& content) {
  Object object = made(key, content, context_);
  const std::lock_guard lock(objects_->mutex);
  if (objects_->by_key.count(key.str()) != 0) return Creation::exists;
  objects_->check_place(key.str());
  object.info.version = std::to_string(++objects_->versions);
  objects_->by_key.emplace(key.str(), std::move(object));
  return Creation::created;
}

Replacement MemoryStore::put_if_match(const Key& key, const Content& content, const std::string& version) {
  Object object = made(key, content, context_);
  const std::lock_guard lock(objects_->mutex);
  const auto found = objects_->by_key.find(key.str());
  if ((found == objects_->by_key.end() ? std::string() : found->second.info.version) != version) return std::nullopt;
  objects_->check_place(key.str());
  object.info.version = std::to_string(++objects_->versions);
  return objects_->by_key.insert_or_assign(key.str(), std::move(object)).first->second.info;
}

void MemoryStore::remove(const Key& key) {
  const std::lock_guard lock(objects_->mutex);
  objects_->by_key.erase(key.str());
}

void MemoryStore::list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) {
  check_prefix(prefix);
  std::vector<ListedObject> listed;  // the visitor may call the store
  {
    const std::lock_guard lock(objects_->mutex);
    for (auto at = objects_->by_key.lower_bound(prefix); at != objects_->by_key.end() && at->first.starts_with(prefix);
         ++at)
      listed.push_back({at->first, at->second.info});
  }
  for (const ListedObject& object : listed) visit(object);
}

std::vector<std::string> MemoryStore::folders(const std::string& prefix) {
  check_prefix(prefix);
  std::vector<std::string> names;
  const std::lock_guard lock(objects_->mutex);
  for (auto at = objects_->by_key.lower_bound(prefix); at != objects_->by_key.end() && at->first.starts_with(prefix);
       ++at) {
    const std::size_t slash = at->first.find('/', prefix.size());
    if (slash == std::string::npos) continue;
    std::string name = at->first.substr(prefix.size(), slash - prefix.size());
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pod::objects
