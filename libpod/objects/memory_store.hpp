// Objects in memory: works for real, as long as the process lives. For tests, and for trying things out.
#pragma once

#include "objects/object_store.hpp"

namespace pod::objects {

/// What several MemoryStores may share. Safe through them.
class MemoryObjects;

/// Safe. The clock of the context is the store's.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(const Context& context = {});
  /// Another door to the objects of `other`.
  MemoryStore(const MemoryStore& other, const Context& context) : context_(context), objects_(other.objects_) {}

  std::string describe() const override { return "memory"; }
  std::optional<ObjectInfo> head(const Key& key) override;
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override;
  Creation put_if_absent(const Key& key, const Content& content) override;
  Replacement put_if_match(const Key& key, const Content& content, const std::string& version) override;
  void remove(const Key& key) override;
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  std::int64_t now() override { return context_.clock->now().seconds; }

 private:
  const Context context_;
  const std::shared_ptr<MemoryObjects> objects_;
};

}  // namespace pod::objects
