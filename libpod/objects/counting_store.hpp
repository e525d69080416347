// Counts what is asked of a store.
#pragma once

#include "objects/forwarding_store.hpp"

#include <array>
#include <atomic>

namespace pod::objects {

/// Safe. One call is one request; a store may need more for it (the pages of a list, the parts of a large content).
class CountingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::uint64_t calls(Call call) const noexcept { return calls_[static_cast<std::size_t>(call)]; }
  std::uint64_t calls() const noexcept;
  std::uint64_t bytes_read() const noexcept { return read_; }
  std::uint64_t bytes_written() const noexcept { return written_; }  // as far as the store has read the contents
  void reset() noexcept;

  std::optional<ObjectInfo> head(const Key& key) override;
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override;
  Creation put_if_absent(const Key& key, const Content& content) override;
  Replacement put_if_match(const Key& key, const Content& content, const std::string& version) override;
  void remove(const Key& key) override;
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  std::int64_t now() override;

 private:
  void count(Call call) noexcept { ++calls_[static_cast<std::size_t>(call)]; }
  std::array<std::atomic<std::uint64_t>, call_kinds> calls_{};
  std::atomic<std::uint64_t> read_{0}, written_{0};
};

}  // namespace pod::objects
