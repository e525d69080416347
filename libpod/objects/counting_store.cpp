#include "objects/counting_store.hpp"

namespace pod::objects {

Content watched(const Content& content, std::function<void(std::uint64_t)> seen) {
  struct Watched final : base::ByteSource {
    Watched(std::unique_ptr<base::ByteSource> given, std::function<void(std::uint64_t)> told)
        : source(std::move(given)), tell(std::move(told)) {}
    std::size_t read(std::span<std::byte> buffer) override {
      const std::size_t count = source->read(buffer);
      tell(count);
      return count;
    }
    std::unique_ptr<base::ByteSource> source;
    std::function<void(std::uint64_t)> tell;
  };
  Content out = content;
  out.open = [open = content.open, seen = std::move(seen)](std::uint64_t offset, std::uint64_t length) {
    return std::make_unique<Watched>(open(offset, length), seen);
  };
  return out;
}

std::uint64_t CountingStore::calls() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& count : calls_) sum += count;
  return sum;
}

void CountingStore::reset() noexcept {
  for (auto& count : calls_) count = 0;
  read_ = 0;
  written_ = 0;
}

std::optional<ObjectInfo> CountingStore::head(const Key& key) {
  count(Call::head);
  return inner_.head(key);
}

ReadResult CountingStore::get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) {
  count(Call::get);
  return inner_.get(key, options, [&](base::ConstBytes bytes) {
    read_ += bytes.size();
    sink(bytes);
  });
}

Creation CountingStore::put_if_absent(const Key& key, const Content& content) {
  count(Call::create);
  return inner_.put_if_absent(key, watched(content, [this](std::uint64_t bytes) { written_ += bytes; }));
}

Replacement CountingStore::put_if_match(const Key& key, const Content& content, const std::string& version) {
  count(Call::replace);
  return inner_.put_if_match(key, watched(content, [this](std::uint64_t bytes) { written_ += bytes; }), version);
}

void CountingStore::remove(const Key& key) {
  count(Call::remove);
  inner_.remove(key);
}

void CountingStore::list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) {
  count(Call::list);
  inner_.list(prefix, visit);
}

std::vector<std::string> CountingStore::folders(const std::string& prefix) {
  count(Call::folders);
  return inner_.folders(prefix);
}

std::int64_t CountingStore::now() {
  count(Call::now);
  return inner_.now();
}

}  // namespace pod::objects
