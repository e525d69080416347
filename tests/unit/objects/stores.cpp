// The stores that need nothing but this process.
#include "conformance.hpp"

#include "objects/directory_store.hpp"
#include "objects/memory_store.hpp"

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

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"memory", [] { return std::make_unique<MemoryPlace>(); }},
      {"directory", [] { return std::make_unique<DirectoryPlace>(); }},
  };
  return all;
}

}  // namespace pod::objects::conformance
