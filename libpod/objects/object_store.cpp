#include "objects/object_store.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::objects {
namespace {

constexpr std::size_t max_key = 512;

bool is_key_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

bool is_segment(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::all_of(segment.begin(), segment.end(), is_key_byte);
}

bool is_key(std::string_view text) {
  if (text.size() > max_key) return false;
  while (true) {
    const auto slash = text.find('/');
    if (!is_segment(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

Key Key::parse(std::string_view text) {
  if (!is_key(text)) throw Error(ErrorCode::invalid_argument, "not the name of a stored object");
  return Key(std::string(text));
}

Content Content::of(std::string text) {
  Content content;
  content.size = text.size();
  content.sha256 = digest::sha256(text);
  const auto kept = std::make_shared<const std::string>(std::move(text));
  content.open = [kept](std::uint64_t offset, std::uint64_t length) -> std::unique_ptr<base::ByteSource> {
    struct Source final : base::ByteSource {
      Source(std::shared_ptr<const std::string> kept, std::string_view part) : owner(std::move(kept)), bytes(part) {}
      std::size_t read(std::span<std::byte> buffer) override { return bytes.read(buffer); }
      std::shared_ptr<const std::string> owner;
      base::MemorySource bytes;
    };
    return std::make_unique<Source>(kept, std::string_view(*kept).substr(offset, length));
  };
  return content;
}

std::optional<std::pair<std::string, ObjectInfo>> read_object(ObjectStore& store, const Key& key, std::uint64_t limit) {
  std::string text;
  ReadOptions options;
  options.limit = limit;
  const ReadResult result = store.get(key, options, [&](base::ConstBytes bytes) { text += base::text_of(bytes); });
  if (result.status != ReadStatus::read) return std::nullopt;
  return std::pair(std::move(text), result.info);
}

}  // namespace pod::objects
