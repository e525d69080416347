// Named objects somewhere: in memory, in a folder, in a bucket, behind signed URLs. A remote is kept in one of these.
//
// Two promises carry everything above: an object is there whole or not at all, and of several who create it, or who
// replace the same version of it, one is told that it did. Where an answer is lost, the caller is told that nobody
// knows (Error(outcome_unknown)) and never that it failed.
#pragma once

#include "base/stream.hpp"
#include "digest/digest.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::objects {

/// Where an object stands: segments of [A-Za-z0-9._-] that do not begin with '.', each at most 200 bytes, between
/// single slashes; at most 512 bytes. (File servers keep things of their own under names that begin with a dot.) No key
/// is a folder of another: what happens where one is made so is the store's affair. A value.
class Key {
 public:
  /// Error(invalid_argument).
  static Key parse(std::string_view text);
  const std::string& str() const noexcept { return text_; }
  auto operator<=>(const Key&) const = default;

 private:
  explicit Key(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct ObjectInfo {
  std::uint64_t size = 0;
  std::string version;        // opaque, changes with the content; what put_if_match() of the same store takes
  std::int64_t modified = 0;  // seconds since 1970, by the store's clock
};

/// What is to be stored: bytes that can be read again from any place, since a part may have to be sent twice.
struct Content {
  std::uint64_t size = 0;
  digest::Sha256Value sha256{};
  /// `length` bytes from `offset`. Called from several threads.
  std::function<std::unique_ptr<base::ByteSource>(std::uint64_t offset, std::uint64_t length)> open;

  /// Keeps the text.
  static Content of(std::string text);
};

struct ReadOptions {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;  // nullopt: to the end
  std::string unless_version;           // nothing is sent where the object has this version
  std::string only_version;             // Error(conflict) where the object has another
  std::uint64_t limit = 16ull << 30;    // of the bytes sent: Error(refused) past it, before the first of them
};

enum class ReadStatus : std::uint8_t { read, unchanged, absent };
struct ReadResult {
  ReadStatus status = ReadStatus::absent;
  ObjectInfo info;  // of the whole object; `unchanged`: its version alone; not filled where it is absent
};

enum class Creation : std::uint8_t { created, exists };

/// nullopt: the object's version is not the expected one (any more).
using Replacement = std::optional<ObjectInfo>;

struct ListedObject {
  std::string key;
  ObjectInfo info;  // version may be empty
};

/// Safe. Every call: Error(unreachable), Error(denied), Error(refused) past a limit of the store, Error(cancelled),
/// Error(not_found) where what holds the objects (the folder, the bucket) is not there.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// For messages: the URL, without anything secret.
  virtual std::string describe() const = 0;

  virtual std::optional<ObjectInfo> head(const Key& key) = 0;
  /// The bytes come in order; a caller that needs to know that they are the right ones checks a digest. A broken
  /// connection is taken up where it broke off as long as the object keeps its version. All bytes are of one version.
  /// A range that reaches past the end is cut there; one that begins there or later has no bytes.
  virtual ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) = 0;
  /// `exists` says nothing of what is there. The content is the only one that can come to lie there by this call:
  /// it is checked against its digest on the way (Error(corrupt), and nothing is stored), and may be sent again after
  /// a lost answer. Then `created` is said where this very content lies there: callers to whom it matters who it was
  /// put something of their own into it. What a broken call has stored of a large content is used by the next one.
  virtual Creation put_if_absent(const Key& key, const Content& content) = 0;
  /// `version`: what the caller saw; empty: the object is to be absent. Error(outcome_unknown) where an answer is
  /// lost; it is sent once.
  virtual Replacement put_if_match(const Key& key, const Content& content, const std::string& version) = 0;
  /// Absent is fine.
  virtual void remove(const Key& key) = 0;
  /// Every object whose key begins with `prefix` (which ends in '/', or is empty), by key.
  virtual void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) = 0;
  /// The names of the folders right below `prefix`, by name: "a" where there is "<prefix>a/b".
  virtual std::vector<std::string> folders(const std::string& prefix) = 0;
  /// The store's clock, in seconds since 1970; it may ask the store for it.
  virtual std::int64_t now() = 0;
};

/// For those who implement a store.
bool is_segment(std::string_view text);
bool is_key(std::string_view text);
/// "" or a key and '/': Error(invalid_argument) otherwise.
void check_prefix(std::string_view prefix);
/// All of the content, in pieces: Error(corrupt) at the end where it is not what its digest says, Error(io) where it is
/// shorter than it says.
void read_checked(const Content& content, const Key& key, const CancelToken& cancel, const base::ByteSink& sink);

/// What only_version promises. Error(conflict).
void check_version(const ReadOptions& options, const ObjectInfo& info, const Key& key);

/// Whole, in memory. nullopt: absent. Error(refused) past `limit`.
std::optional<std::pair<std::string, ObjectInfo>> read_object(ObjectStore& store, const Key& key, std::uint64_t limit);

}  // namespace pod::objects
