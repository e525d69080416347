// Loose objects: one file an object, as stock git may have written them. We only read them.
//
//   zlib stream of: type, " ", size in decimal, NUL, content
#pragma once

#include "base/files.hpp"
#include "git/inflate.hpp"
#include "git/object_database.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace pod::git {

/// "blob 12\0": what stands before an object's content where its id is computed.
std::string object_head(ObjectType type, std::uint64_t size);

/// A loose object's content in pieces, exactly as many bytes as its head says, and nothing behind it in the file.
class LooseStream final : public base::ByteSource {
 public:
  /// nullptr where there is no such file. Error(corrupt).
  static std::unique_ptr<LooseStream> open(const std::filesystem::path& file);
  const ObjectHeader& header() const noexcept { return header_; }
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  LooseStream(base::Fd fd, std::filesystem::path file);
  void read_head();
  std::size_t inflate(std::span<std::byte> room);
  [[noreturn]] void damaged(std::string_view why) const;

  std::filesystem::path file_;
  base::FileSource source_;
  Inflater inflater_{ZlibEngine::zlib};  // exact about where the stream ends
  std::string buffer_;
  base::ConstBytes input_;
  ObjectHeader header_;
  std::string ahead_;  // content that came with the head
  std::uint64_t rest_ = 0;
  bool done_ = false;
};

}  // namespace pod::git
