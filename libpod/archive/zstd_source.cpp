#include "archive/zstd_source.hpp"

#include "archive/verdict.hpp"

#include <libpod/error.hpp>

#include <zstd.h>
#include <vector>

namespace pod::archive {
namespace {

struct FreeDecoder {
  void operator()(ZSTD_DCtx* decoder) const { ZSTD_freeDCtx(decoder); }
};

// What `zstd -d` accepts without being asked for more.
constexpr int window_log_limit = 27;

}  // namespace

struct ZstdSource::State {
  std::unique_ptr<ZSTD_DCtx, FreeDecoder> decoder{ZSTD_createDCtx()};
  std::vector<std::byte> buffer = std::vector<std::byte>(ZSTD_DStreamInSize());
  ZSTD_inBuffer input{buffer.data(), 0, 0};
  std::uint64_t offset = 0;  // in the file, behind the buffer
  bool in_frame = true;      // a file without any frame is cut short
};

ZstdSource::ZstdSource(const PositionedFile& file, const CancelToken& cancel)
    : file_(file), cancel_(cancel), state_(std::make_unique<State>()) {
  if (!state_->decoder) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(state_->decoder.get(), ZSTD_d_windowLogMax, window_log_limit);
}
ZstdSource::~ZstdSource() = default;

std::size_t ZstdSource::read(std::span<std::byte> buffer) {
  State& state = *state_;
  if (buffer.empty()) return 0;
  ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
  while (output.pos == 0) {
    cancel_.check();
    if (state.input.pos == state.input.size) {
      const std::size_t count = file_.read_some(state.offset, state.buffer);
      state.offset += count;
      state.input = {state.buffer.data(), count, 0};
      // The decoder may still hold bytes while a frame is open, so it is asked once more without input below.
      if (count == 0 && !state.in_frame) return 0;
    }
    const std::size_t before = state.input.pos;
    const bool had_input = state.input.size != 0;
    const std::size_t result = ZSTD_decompressStream(state.decoder.get(), &output, &state.input);
    if (ZSTD_isError(result) != 0) {
      Error error(ErrorCode::corrupt,
                  "archive " + quote(file_.path().native()) + " is damaged: its compression is broken");
      throw error.because(ZSTD_getErrorName(result));
    }
    state.in_frame = result != 0;
    if (output.pos == 0 && state.input.pos == before && !had_input) corrupt(file_.path(), "it is cut short");
  }
  return output.pos;
}

std::uint64_t ZstdSource::consumed() const noexcept {
  return state_->offset - (state_->input.size - state_->input.pos);
}

}  // namespace pod::archive
