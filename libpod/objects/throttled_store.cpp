#include "objects/throttled_store.hpp"

#include "http/retry.hpp"

#include <algorithm>

namespace pod::objects {

using std::chrono::steady_clock;

ThrottledStore::ThrottledStore(ObjectStore& inner, const Line& line, const Context& context)
    : ForwardingStore(inner), line_(line), context_(context), free_(steady_clock::now()) {}

void ThrottledStore::wait() const { http::wait(line_.latency, *context_.cancel); }

void ThrottledStore::pass(std::uint64_t bytes) {
  if (line_.bytes_per_second == 0) return;
  steady_clock::time_point until;
  {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> took(static_cast<double>(bytes) / static_cast<double>(line_.bytes_per_second));
    free_ = std::max(free_, steady_clock::now()) + std::chrono::duration_cast<steady_clock::duration>(took);
    until = free_;
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
  if (left.count() > 0) http::wait(left, *context_.cancel);
}

Content ThrottledStore::slow(const Content& content) {
  return watched(content, [this](std::uint64_t bytes) { pass(bytes); });
}

std::optional<ObjectInfo> ThrottledStore::head(const Key& key) {
  wait();
  return inner_.head(key);
}

ReadResult ThrottledStore::get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) {
  wait();
  return inner_.get(key, options, [&](base::ConstBytes bytes) {
    pass(bytes.size());
    sink(bytes);
  });
}

Creation ThrottledStore::put_if_absent(const Key& key, const Content& content) {
  wait();
  return inner_.put_if_absent(key, slow(content));
}

Replacement ThrottledStore::put_if_match(const Key& key, const Content& content, const std::string& version) {
  wait();
  return inner_.put_if_match(key, slow(content), version);
}

void ThrottledStore::remove(const Key& key) {
  wait();
  inner_.remove(key);
}

void ThrottledStore::list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) {
  wait();
  inner_.list(prefix, visit);
}

std::vector<std::string> ThrottledStore::folders(const std::string& prefix) {
  wait();
  return inner_.folders(prefix);
}

std::int64_t ThrottledStore::now() {
  wait();
  return inner_.now();
}

}  // namespace pod::objects
