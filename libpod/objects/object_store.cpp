#include "objects/object_store.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::objects {
namespace {

constexpr std::size_t max_key = 512;
constexpr std::size_t max_segment = 200;  // a folder has room for 255, and adds to them

bool is_key_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool is_segment(std::string_view segment) {
  return !segment.empty() && segment.size() <= max_segment && segment.front() != '.' &&
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

void check_prefix(std::string_view prefix) {
  if (prefix.empty()) return;
  if (prefix.back() != '/' || !is_key(prefix.substr(0, prefix.size() - 1)))
    throw Error(ErrorCode::invalid_argument, "not the beginning of the names of stored objects");
}

void read_checked(const Content& content, const Key& key, const CancelToken& cancel, const base::ByteSink& sink) {
  digest::Sha256 hash;
  const auto source = content.open(0, content.size);
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(content.size, 256 << 10)));
  for (std::uint64_t left = content.size; left > 0;) {
    cancel.check();
    const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
    const std::size_t count = source->read(piece);
    if (count == 0)
      throw Error(ErrorCode::io, "what was to be stored as " + quote(key.str()) + " ended after " +
                                     std::to_string(content.size - left) + " of " + std::to_string(content.size) +
                                     " bytes");
    hash.update(piece.first(count));
    sink(piece.first(count));
    left -= count;
  }
  if (hash.finish() != content.sha256)
    throw Error(ErrorCode::corrupt, "what was to be stored as " + quote(key.str()) + " is not what its SHA-256 says");
}

void check_version(const ReadOptions& options, const ObjectInfo& info, const Key& key) {
  if (!options.only_version.empty() && options.only_version != info.version)
    throw Error(ErrorCode::conflict, quote(key.str()) + " has changed while it was read");
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
