// A store on a bad line: what goes wrong, and when, is chosen by the test.
#pragma once

#include "objects/forwarding_store.hpp"

#include <atomic>
#include <chrono>

namespace pod::objects {

struct Fault {
  enum class Effect : std::uint8_t {
    none,
    lost_request,  // nothing is done; Error(unreachable)
    lost_answer,   // it is done; Error(unreachable), of a replacement Error(outcome_unknown)
    cut,           // half of the bytes go through, then Error(unreachable); of other calls like lost_request
    denied,        // nothing is done; Error(denied)
  };
  Effect effect = Effect::none;
  std::chrono::milliseconds delay{0};  // before anything else
};

/// Safe where `choose` is.
class FaultStore final : public ForwardingStore {
 public:
  /// Asked before each call: its number (from 1), its kind, and the key or prefix.
  using Choose = std::function<Fault(std::uint64_t number, Call call, const std::string& key)>;
  FaultStore(ObjectStore& inner, Choose choose) : ForwardingStore(inner), choose_(std::move(choose)) {}
  std::uint64_t calls() const noexcept { return number_; }

  std::optional<ObjectInfo> head(const Key& key) override;
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override;
  Creation put_if_absent(const Key& key, const Content& content) override;
  Replacement put_if_match(const Key& key, const Content& content, const std::string& version) override;
  void remove(const Key& key) override;
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  std::int64_t now() override;

 private:
  Fault::Effect begin(Call call, const std::string& key);
  template <class Work>
  auto perform(Call call, const std::string& key, const Work& work);
  const Choose choose_;
  std::atomic<std::uint64_t> number_{0};
};

/// The nth call (from 1) of its kind goes wrong, and no other.
FaultStore::Choose nth(Call call, std::uint64_t n, Fault fault);

}  // namespace pod::objects
