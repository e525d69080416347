// What every store has to do, whatever it keeps its objects in. An executable that is linked with conformance.cpp names
// the stores.
#pragma once

#include "objects/object_store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pod::objects::conformance {

/// An empty place for objects, with as many doors as wanted; gone with this.
class Place {
 public:
  virtual ~Place() = default;
  virtual std::unique_ptr<ObjectStore> open(const Context& context) = 0;
};

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Place>()> make;
  std::uint64_t large = 3 << 20;  // a content that is stored in several parts, where the store knows parts
};

/// Given by the executable.
const std::vector<Kind>& kinds();

/// `size` bytes that nobody would mistake for others; never held whole.
Content pattern(std::uint64_t size, std::uint64_t seed);
/// The text that a pattern is; for small ones.
std::string pattern_text(std::uint64_t size, std::uint64_t seed);

}  // namespace pod::objects::conformance
