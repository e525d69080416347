// Objects in an S3-compatible bucket, with requests that are signed here or elsewhere.
//
// Large contents go in parts, several at once. What each store keeps of S3's promises differs: `S3Traits` says what was
// found, probe() finds it.
#pragma once

#include "objects/object_store.hpp"
#include "objects/s3_wire.hpp"

#include <filesystem>

namespace pod::objects {

/// What a bucket was found to do. A value; to and from JSON, so that it can be kept.
struct S3Traits {
  bool create_only = false;  // PUT with If-None-Match: *
  enum class Match : std::uint8_t {
    no,
    quoted,
    unquoted
  } match = Match::no;  // PUT with If-Match, how its ETag is written
  bool read_after_write = false;
  bool ranges = false;
  bool payload_checked = false;   // a body that is not what x-amz-content-sha256 says is refused
  bool checksum_checked = false;  // the same of x-amz-checksum-sha256

  /// What a remote cannot do without and the bucket does not do, in words; empty: it will do.
  std::string lacking() const;
  std::string to_json() const;
  /// Error(corrupt).
  static S3Traits from_json(std::string_view text);
  bool operator==(const S3Traits&) const = default;
};

struct S3Options {
  std::string prefix;                      // below which all objects lie, without '/' at its end; may be empty
  std::optional<S3Traits> traits;          // nullopt: probed before the first replacement
  std::filesystem::path notes;             // a folder for what a broken upload has sent already; empty: it starts over
  std::uint64_t parts_from = 64ull << 20;  // contents of this size and more are sent in parts
  std::uint64_t part_size = 16ull << 20;   // at least 5 MiB
  int connections = 4;                     // of one upload
  http::ClientOptions http;                // certificates, time-outs, user agent
};

/// Safe. Objects of more than `parts_from` bytes are created exactly once where the store honours a condition on the
/// completion of an upload; elsewhere two that create the same one at the same moment may both be told so: name large
/// objects after their content.
class S3Store final : public ObjectStore {
 public:
  /// `shown`: what describe() says.
  S3Store(std::string shown, Authorise authorise, const S3Options& options, const Context& context = {});

  std::string describe() const override { return wire_.shown(); }
  /// Cannot tell a missing bucket from a missing object.
  std::optional<ObjectInfo> head(const Key& key) override;
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override;
  Creation put_if_absent(const Key& key, const Content& content) override;
  Replacement put_if_match(const Key& key, const Content& content, const std::string& version) override;
  void remove(const Key& key) override;
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  std::int64_t now() override;

  /// Tries what the bucket does with objects of its own below a random prefix, which it removes again. About 15
  /// requests. What it finds is used from now on.
  S3Traits probe();

 private:
  std::string full(std::string_view key) const;
  S3Traits traits();
  S3Ask put(const Key& key, const Content& content) const;
  Creation decide(const Key& key, const Content& content);
  void each_page(const std::string& prefix, bool folders, const std::function<void(const S3List&)>& visit);

  S3Wire wire_;
  const S3Options options_;
  std::mutex mutex_;  // of traits_
  std::optional<S3Traits> traits_;
};

/// S3Store::probe(), on a wire.
S3Traits probe_bucket(S3Wire& wire, const std::string& prefix);

/// A bucket with the user's own keys. Error(refused) for http to another machine unless `allow_plain`.
std::unique_ptr<S3Store> open_bucket(const S3Place& place, std::function<S3Credentials()> credentials,
                                     const S3Options& options, const Context& context = {}, bool allow_plain = false);

/// `content` as a body whose last piece is given only once all of it is known to be what its digest says.
std::unique_ptr<base::ByteSource> checked_body(const Content& content, const std::string& key, std::uint64_t offset,
                                               std::uint64_t size, const digest::Sha256Value& sha256);

}  // namespace pod::objects
