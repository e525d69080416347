// A store that asks again where asking again is harmless.
#pragma once

#include "http/retry.hpp"
#include "objects/forwarding_store.hpp"

namespace pod::objects {

/// Safe. After Error(unreachable): head, creation, removal, folders, clock; get and list before their first byte or
/// object. A replacement is sent once.
class RetryStore final : public ForwardingStore {
 public:
  RetryStore(ObjectStore& inner, int retries, const Context& context = {})
      : ForwardingStore(inner), retries_(retries), context_(context) {}

  std::optional<ObjectInfo> head(const Key& key) override;
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override;
  /// `exists` after a lost answer: what lies there is read, and `created` said if it is this content.
  Creation put_if_absent(const Key& key, const Content& content) override;
  void remove(const Key& key) override;
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  std::int64_t now() override;

 private:
  template <class Work>
  auto again(const Work& work, const std::function<bool()>& may = {});
  const int retries_;
  const Context context_;
};

/// Whether the object is exactly this content: its size, and if that is the same, all its bytes.
bool holds(ObjectStore& store, const Key& key, const Content& content);

}  // namespace pod::objects
