// A store at the end of a slow line.
#pragma once

#include "objects/forwarding_store.hpp"

#include <chrono>
#include <mutex>

namespace pod::objects {

struct Line {
  std::chrono::milliseconds latency{0};  // of each call
  std::uint64_t bytes_per_second = 0;    // of all calls together, both ways; 0: no bound
};

/// Safe.
class ThrottledStore final : public ForwardingStore {
 public:
  ThrottledStore(ObjectStore& inner, const Line& line, const Context& context = {});

  std::optional<ObjectInfo> head(const Key& key) override;
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override;
  Creation put_if_absent(const Key& key, const Content& content) override;
  Replacement put_if_match(const Key& key, const Content& content, const std::string& version) override;
  void remove(const Key& key) override;
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  std::int64_t now() override;

 private:
  void wait() const;
  void pass(std::uint64_t bytes);
  Content slow(const Content& content);
  const Line line_;
  const Context context_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point free_;  // when the line has carried what was given to it
};

}  // namespace pod::objects
