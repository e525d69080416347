#include "objects/retry_store.hpp"

#include <libpod/error.hpp>

namespace pod::objects {

bool holds(ObjectStore& store, const Key& key, const Content& content) {
  const auto info = store.head(key);
  if (!info || info->size != content.size) return false;
  digest::Sha256 hash;
  const ReadResult result = store.get(key, {}, [&](base::ConstBytes bytes) { hash.update(bytes); });
  return result.status == ReadStatus::read && hash.finish() == content.sha256;
}

template <class Work>
auto RetryStore::again(const Work& work, const std::function<bool()>& may) {
  http::Backoff backoff;
  for (int attempt = 1;; ++attempt) {
    try {
      return work();
    } catch (Error& error) {
      if (error.code() != ErrorCode::unreachable || (may && !may())) throw;
      if (attempt > retries_) {
        if (attempt > 1) error.because("tried " + std::to_string(attempt) + " times");
        throw;
      }
    }
    http::wait(backoff.next(), *context_.cancel);
  }
}

std::optional<ObjectInfo> RetryStore::head(const Key& key) {
  return again([&] { return inner_.head(key); });
}

ReadResult RetryStore::get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) {
  bool begun = false;
  return again(
      [&] {
        return inner_.get(key, options, [&](base::ConstBytes bytes) {
          begun = true;
          sink(bytes);
        });
      },
      [&] { return !begun; });
}

Creation RetryStore::put_if_absent(const Key& key, const Content& content) {
  int attempts = 0;
  const Creation result = again([&] {
    ++attempts;
    return inner_.put_if_absent(key, content);
  });
  if (attempts == 1 || result == Creation::created) return result;
  return again([&] { return holds(inner_, key, content); }) ? Creation::created : Creation::exists;
}

void RetryStore::remove(const Key& key) {
  again([&] { inner_.remove(key); });
}

void RetryStore::list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) {
  bool begun = false;
  again(
      [&] {
        inner_.list(prefix, [&](const ListedObject& object) {
          begun = true;
          visit(object);
        });
      },
      [&] { return !begun; });
}

std::vector<std::string> RetryStore::folders(const std::string& prefix) {
  return again([&] { return inner_.folders(prefix); });
}

std::int64_t RetryStore::now() {
  return again([&] { return inner_.now(); });
}

}  // namespace pod::objects
