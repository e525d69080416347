// The names of the story: object ids, pods, references to versions, paths of state files.
//
// Each parses at the edge and is valid from then on. All are immutable values.
//
//   auto pod = pod::PodName::parse("shop");
//   auto ref = pod::PodRef::parse("shop:3");           // version 3; "shop" the latest; "shop~1" the one before
//   auto path = pod::StatePath::parse("api_states/000000000000/sqs/us-east-1/backend.state");
#pragma once

#include <libpod/error.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod {

/// SHA-1 id of a git object.
class POD_API Oid {
 public:
  static constexpr std::size_t size = 20;
  Oid() = default;  // zero
  explicit Oid(const std::array<std::uint8_t, size>& bytes) : bytes_(bytes) {}
  /// 40 hex digits, either case; throws Error(invalid_argument).
  static Oid parse(std::string_view hex);
  std::string hex() const;
  bool is_zero() const noexcept;
  const std::array<std::uint8_t, size>& bytes() const noexcept { return bytes_; }
  friend auto operator<=>(const Oid&, const Oid&) = default;

 private:
  std::array<std::uint8_t, size> bytes_{};
};

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,127}` without "..", without "." or ".lock" at the end, not "HEAD" in any case.
class POD_API PodName {
 public:
  /// Throws Error(invalid_argument) that names the rule which is broken.
  static PodName parse(std::string_view text);
  const std::string& str() const noexcept { return text_; }
  /// "refs/heads/<name>"
  std::string branch() const { return "refs/heads/" + text_; }
  friend auto operator<=>(const PodName&, const PodName&) = default;

 private:
  explicit PodName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// `[remote/]POD`, `…:N` (version N, from 1), `…~N` (N before the latest), or `rev:<git revision>`.
/// `X:<digits>` is always a version.
class POD_API PodRef {
 public:
  enum class Kind { latest, version, back, revision };
  static PodRef parse(std::string_view text);
  static PodRef latest(PodName pod);
  static PodRef numbered(PodName pod, std::int64_t number);

  Kind kind() const noexcept { return kind_; }
  /// Not for `revision`.
  const PodName& pod() const { return *pod_; }
  bool has_pod() const noexcept { return pod_.has_value(); }
  const std::optional<std::string>& remote() const noexcept { return remote_; }
  /// N of `:N` or `~N`.
  std::int64_t number() const noexcept { return number_; }
  /// What git is asked, for `revision`.
  const std::string& revision() const noexcept { return revision_; }
  /// As it was written.
  std::string str() const;

 private:
  PodRef() = default;
  Kind kind_ = Kind::latest;
  std::optional<std::string> remote_;
  std::optional<PodName> pod_;
  std::int64_t number_ = 0;
  std::string revision_;
};

/// Relative path of a file in a snapshot, `/` between components. No component is empty, "." or ".." or longer than
/// 255 bytes, no byte is NUL; at most 1,024 bytes and 64 components. Otherwise any bytes: what git or other systems
/// cannot hold is escaped where the path enters a tree (see FORMATS.md).
class POD_API StatePath {
 public:
  static StatePath parse(std::string_view text);
  const std::string& str() const noexcept { return text_; }
  std::vector<std::string_view> components() const;
  friend auto operator<=>(const StatePath&, const StatePath&) = default;

 private:
  explicit StatePath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace pod

template <>
struct std::hash<pod::Oid> {
  std::size_t operator()(const pod::Oid& id) const noexcept {
    std::size_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | id.bytes()[i];
    return value;
  }
};
