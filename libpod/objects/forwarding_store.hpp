// A store that asks another one: what decorators are made from.
#pragma once

#include "objects/object_store.hpp"

namespace pod::objects {

enum class Call : std::uint8_t { head, get, create, replace, remove, list, folders, now };
inline constexpr std::size_t call_kinds = 8;

/// Safe where the inner store is. The inner store outlives it.
class ForwardingStore : public ObjectStore {
 public:
  explicit ForwardingStore(ObjectStore& inner) : inner_(inner) {}
  ForwardingStore(const ForwardingStore&) = delete;  // a decorator of a decorator is no copy of it
  std::string describe() const override { return inner_.describe(); }
  std::optional<ObjectInfo> head(const Key& key) override { return inner_.head(key); }
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override {
    return inner_.get(key, options, sink);
  }
  Creation put_if_absent(const Key& key, const Content& content) override { return inner_.put_if_absent(key, content); }
  Replacement put_if_match(const Key& key, const Content& content, const std::string& version) override {
    return inner_.put_if_match(key, content, version);
  }
  void remove(const Key& key) override { inner_.remove(key); }
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override {
    inner_.list(prefix, visit);
  }
  std::vector<std::string> folders(const std::string& prefix) override { return inner_.folders(prefix); }
  std::int64_t now() override { return inner_.now(); }

 protected:
  ObjectStore& inner_;
};

/// `content`, each piece of which is shown to `seen` when it is read. `seen` is called from several threads.
Content watched(const Content& content, std::function<void(std::uint64_t bytes)> seen);

}  // namespace pod::objects
