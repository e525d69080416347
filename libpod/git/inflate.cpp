#include "git/inflate.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#define ZLIB_CONST
#include <zlib.h>
#ifdef POD_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

namespace pod::git {
namespace {

constexpr std::size_t most_at_once = 1u << 30;

}  // namespace

ZlibEngine default_zlib_engine() noexcept {
#ifdef POD_HAVE_ISAL
  return ZlibEngine::isal;
#else
  return ZlibEngine::zlib;
#endif
}

struct InflateBackend {
  explicit InflateBackend(ZlibEngine which) : engine(which) {}
  virtual ~InflateBackend() = default;
  const ZlibEngine engine;
  virtual void start() = 0;
  virtual Inflater::Step step(base::ConstBytes in, std::span<std::byte> out) = 0;
};

namespace {

/// The last one that was given back: it has tables of many kilobytes, most objects are small.
thread_local std::unique_ptr<InflateBackend> spare;

[[noreturn]] void damaged() { throw Error(ErrorCode::corrupt, "the compressed data is damaged"); }

}  // namespace

struct ZlibInflate final : InflateBackend {
  z_stream stream{};
  ZlibInflate() : InflateBackend(ZlibEngine::zlib) {
    if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  }
  ZlibInflate(const ZlibInflate&) = delete;
  ZlibInflate& operator=(const ZlibInflate&) = delete;
  ~ZlibInflate() override { inflateEnd(&stream); }
  void start() override { inflateReset(&stream); }
  Inflater::Step step(base::ConstBytes in, std::span<std::byte> out) override {
    const auto in_size = static_cast<uInt>(std::min(in.size(), most_at_once));
    const auto out_size = static_cast<uInt>(std::min(out.size(), most_at_once));
    Bytef nowhere = 0;  // zlib wants an address even for no room
    stream.next_in = reinterpret_cast<const Bytef*>(in.data());
    stream.avail_in = in_size;
    stream.next_out = out_size > 0 ? reinterpret_cast<Bytef*>(out.data()) : &nowhere;
    stream.avail_out = out_size;
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) damaged();
    return {in_size - stream.avail_in, out_size - stream.avail_out, result == Z_STREAM_END};
  }
};

#ifdef POD_HAVE_ISAL
struct IsalInflate final : InflateBackend {
  inflate_state state;
  bool ended = false;
  IsalInflate() : InflateBackend(ZlibEngine::isal) { start(); }
  void start() override {
    isal_inflate_init(&state);
    state.crc_flag = ISAL_ZLIB;
    ended = false;
  }
  Inflater::Step step(base::ConstBytes in, std::span<std::byte> out) override {
    if (ended) return {0, 0, true};
    const auto in_size = static_cast<std::uint32_t>(std::min(in.size(), most_at_once));
    const auto out_size = static_cast<std::uint32_t>(std::min(out.size(), most_at_once));
    // ISA-L only reads its input; its pointer lacks the const.
    state.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(in.data()));
    state.avail_in = in_size;
    state.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state.avail_out = out_size;
    const int result = isal_inflate(&state);
    if (result < 0 || result == ISAL_NEED_DICT) damaged();
    ended = state.block_state == ISAL_BLOCK_FINISH;
    if (state.avail_out > out_size) damaged();
    // At the end ISA-L may give back bytes of the step before.
    return {in_size - std::min(in_size, state.avail_in), out_size - state.avail_out, ended};
  }
};
#endif

Inflater::Inflater(ZlibEngine engine) {
  if (spare && spare->engine == engine) {
    backend_ = std::move(spare);
    backend_->start();
    return;
  }
#ifdef POD_HAVE_ISAL
  if (engine == ZlibEngine::isal) {
    backend_ = std::make_unique<IsalInflate>();
    return;
  }
#endif
  static_cast<void>(engine);
  backend_ = std::make_unique<ZlibInflate>();
}
Inflater::~Inflater() {
  if (backend_) spare = std::move(backend_);
}
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater& Inflater::operator=(Inflater&&) noexcept = default;
void Inflater::start() { backend_->start(); }
Inflater::Step Inflater::step(base::ConstBytes in, std::span<std::byte> out) { return backend_->step(in, out); }

}  // namespace pod::git
