// The stores that need nothing but this process.
#include "conformance.hpp"

#include "objects/counting_store.hpp"
#include "objects/directory_store.hpp"
#include "objects/fault_store.hpp"
#include "objects/memory_store.hpp"
#include "objects/retry_store.hpp"
#include "objects/throttled_store.hpp"

namespace pod::objects::conformance {
namespace {

struct MemoryPlace final : Place {
  std::unique_ptr<ObjectStore> open(const Context& context) override {
    return std::make_unique<MemoryStore>(objects, context);
  }
  MemoryStore objects;
};

struct DirectoryPlace final : Place {
  std::unique_ptr<ObjectStore> open(const Context& context) override {
    return std::make_unique<DirectoryStore>(folder.path(), context);
  }
  base::TempFolder folder{std::filesystem::temp_directory_path(), "pod-objects-"};
};

/// Every decorator around one store: what passes through them is what is behind them. Of the first hundred calls, every
/// seventh that may be sent again goes wrong in one way or another.
struct DecoratedPlace final : Place {
  struct Layers final : ForwardingStore {
    Layers(MemoryStore& objects, const Context& context)
        : ForwardingStore(static_cast<ObjectStore&>(retry)),
          own(objects, context),
          throttled(own, {std::chrono::milliseconds(0), 1ull << 30}, context),
          counting(throttled),
          faulty(counting, &choose),
          retry(faulty, 30, context) {}
    static Fault choose(std::uint64_t number, Call call, const std::string&) {
      if (call == Call::replace || number % 7 != 0 || number > 100) return {};
      const bool begins = call == Call::get || call == Call::list;
      return {begins || number % 14 == 0 ? Fault::Effect::lost_request : Fault::Effect::lost_answer, {}};
    }
    MemoryStore own;
    ThrottledStore throttled;
    CountingStore counting;
    FaultStore faulty;
    RetryStore retry;
  };
  std::unique_ptr<ObjectStore> open(const Context& context) override {
    return std::make_unique<Layers>(objects, context);
  }
  MemoryStore objects;
};

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"memory", [] { return std::make_unique<MemoryPlace>(); }},
      {"directory", [] { return std::make_unique<DirectoryPlace>(); }},
      {"decorated memory", [] { return std::make_unique<DecoratedPlace>(); }},
  };
  return all;
}

}  // namespace pod::objects::conformance
