#include "objects/fault_store.hpp"

#include <libpod/error.hpp>

#include <thread>

namespace pod::objects {
namespace {

[[noreturn]] void lose(const std::string& where, ErrorCode code = ErrorCode::unreachable) {
  throw Error(code, where + " does not answer").because("the connection was lost");
}

/// Half of the content, then a lost line.
Content cut(const Content& content, const std::string& where) {
  struct Cut final : base::ByteSource {
    Cut(std::unique_ptr<base::ByteSource> given, std::uint64_t bytes, std::string shown)
        : source(std::move(given)), left(bytes), where(std::move(shown)) {}
    std::size_t read(std::span<std::byte> buffer) override {
      if (left == 0) lose(where);
      const std::size_t count =
          source->read(buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()))));
      left -= count;
      return count;
    }
    std::unique_ptr<base::ByteSource> source;
    std::uint64_t left;
    std::string where;
  };
  Content out = content;
  out.open = [open = content.open, where](std::uint64_t offset, std::uint64_t length) {
    return std::make_unique<Cut>(open(offset, length), length / 2, where);
  };
  return out;
}

}  // namespace

Fault::Effect FaultStore::begin(Call call, const std::string& key) {
  const Fault fault = choose_(++number_, call, key);
  if (fault.delay.count() > 0) std::this_thread::sleep_for(fault.delay);
  if (fault.effect == Fault::Effect::lost_request) lose(describe());
  if (fault.effect == Fault::Effect::denied)
    throw Error(ErrorCode::denied, quote(key) + " is not allowed at " + describe());
  return fault.effect;
}

template <class Work>
auto FaultStore::perform(Call call, const std::string& key, const Work& work) {
  const Fault::Effect effect = begin(call, key);
  if (effect == Fault::Effect::cut) lose(describe());
  auto result = work();
  if (effect == Fault::Effect::lost_answer) lose(describe());
  return result;
}

std::optional<ObjectInfo> FaultStore::head(const Key& key) {
  return perform(Call::head, key.str(), [&] { return inner_.head(key); });
}

ReadResult FaultStore::get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) {
  const Fault::Effect effect = begin(Call::get, key.str());
  if (effect == Fault::Effect::lost_answer) lose(describe());
  if (effect != Fault::Effect::cut) return inner_.get(key, options, sink);
  std::string text;
  inner_.get(key, options, [&](base::ConstBytes bytes) { text += base::text_of(bytes); });
  if (text.size() > 1) sink(base::bytes_of(std::string_view(text).substr(0, text.size() / 2)));
  lose(describe());
}

Creation FaultStore::put_if_absent(const Key& key, const Content& content) {
  const Fault::Effect effect = begin(Call::create, key.str());
  const Creation result = inner_.put_if_absent(key, effect == Fault::Effect::cut ? cut(content, describe()) : content);
  if (effect == Fault::Effect::lost_answer) lose(describe());
  return result;
}

Replacement FaultStore::put_if_match(const Key& key, const Content& content, const std::string& version) {
  const Fault::Effect effect = begin(Call::replace, key.str());
  Replacement result =
      inner_.put_if_match(key, effect == Fault::Effect::cut ? cut(content, describe()) : content, version);
  if (effect == Fault::Effect::lost_answer) lose(describe(), ErrorCode::outcome_unknown);
  return result;
}

void FaultStore::remove(const Key& key) {
  perform(Call::remove, key.str(), [&] {
    inner_.remove(key);
    return true;
  });
}

void FaultStore::list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) {
  perform(Call::list, prefix, [&] {
    inner_.list(prefix, visit);
    return true;
  });
}

std::vector<std::string> FaultStore::folders(const std::string& prefix) {
  return perform(Call::folders, prefix, [&] { return inner_.folders(prefix); });
}

std::int64_t FaultStore::now() {
  return perform(Call::now, "", [&] { return inner_.now(); });
}

FaultStore::Choose nth(Call call, std::uint64_t n, Fault fault) {
  const auto seen = std::make_shared<std::atomic<std::uint64_t>>(0);
  return [=](std::uint64_t, Call asked, const std::string&) { return asked == call && ++*seen == n ? fault : Fault{}; };
}

}  // namespace pod::objects
