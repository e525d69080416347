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

/// A store with another one's objects.
class Door final : public ObjectStore {
 public:
  explicit Door(ObjectStore& inner) : inner_(inner) {}
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

 private:
  ObjectStore& inner_;
};

}  // namespace pod::objects::conformance
