// What zstd frames in a file hold. The only reader of zstd.
#pragma once

#include "archive/positioned_file.hpp"

#include <libpod/context.hpp>

#include <memory>

namespace pod::archive {

/// One thread at a time. Ends only where a frame ends and the file does; frame checksums are checked.
class ZstdSource final : public base::ByteSource {
 public:
  ZstdSource(const PositionedFile& file, const CancelToken& cancel);
  ~ZstdSource() override;
  std::size_t read(std::span<std::byte> buffer) override;
  /// Bytes of the file that were needed so far.
  std::uint64_t consumed() const noexcept;

 private:
  struct State;
  const PositionedFile& file_;
  const CancelToken& cancel_;
  std::unique_ptr<State> state_;
};

}  // namespace pod::archive
