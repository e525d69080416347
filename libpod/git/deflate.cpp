#include "git/deflate.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#define ZLIB_CONST
#include <zlib.h>
#ifdef POD_HAVE_ISAL
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#endif

namespace pod::git {
namespace {

constexpr std::size_t trial_size = 64 * 1024;
constexpr std::size_t most_at_once = 1u << 30;
constexpr std::size_t room_step = 32 * 1024;

/// For what comes of `size` bytes, in one step where they are few.
std::size_t room_for(std::size_t size) { return std::min(room_step, size + size / 64 + 64); }

std::uint32_t adler32_of(std::uint32_t adler, base::ConstBytes bytes) {
  while (!bytes.empty()) {
    const base::ConstBytes piece = bytes.first(std::min(bytes.size(), most_at_once));
    adler = static_cast<std::uint32_t>(
        ::adler32(adler, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size())));
    bytes = bytes.subspan(piece.size());
  }
  return adler;
}

}  // namespace

enum class Flush { none, sync, finish };

/// One compressor: appends all that comes out.
struct Compressor {
  virtual ~Compressor() = default;
  virtual void start() = 0;
  virtual void add(base::ConstBytes piece, Flush flush, std::string& out) = 0;
};

struct ZlibCompressor final : Compressor {
  z_stream stream{};
  explicit ZlibCompressor(int level) {
    if (deflateInit(&stream, level) != Z_OK) throw std::bad_alloc();
  }
  ZlibCompressor(const ZlibCompressor&) = delete;
  ZlibCompressor& operator=(const ZlibCompressor&) = delete;
  ~ZlibCompressor() override { deflateEnd(&stream); }
  void start() override { deflateReset(&stream); }
  void add(base::ConstBytes piece, Flush flush, std::string& out) override {
    stream.next_in = reinterpret_cast<const Bytef*>(piece.data());
    stream.avail_in = static_cast<uInt>(piece.size());
    const int mode = flush == Flush::finish ? Z_FINISH : flush == Flush::sync ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    for (;;) {
      const std::size_t before = out.size();
      const std::size_t room = room_for(stream.avail_in);
      out.resize(before + room);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream.avail_out = static_cast<uInt>(room);
      const int result = ::deflate(&stream, mode);
      out.resize(before + room - stream.avail_out);
      if (result == Z_STREAM_END) return;
      if (result != Z_OK && result != Z_BUF_ERROR) throw Error(ErrorCode::internal, "zlib failed to compress");
      if (stream.avail_out > 0 && flush != Flush::finish) return;
    }
  }
};

#ifdef POD_HAVE_ISAL
struct IsalCompressor final : Compressor {
  isal_zstream stream;
  std::vector<std::uint8_t> level_buffer = std::vector<std::uint8_t>(ISAL_DEF_LVL1_DEFAULT);
  IsalCompressor() { start(); }
  void start() override {
    isal_deflate_init(&stream);
    stream.level = 1;
    stream.level_buf = level_buffer.data();
    stream.level_buf_size = static_cast<std::uint32_t>(level_buffer.size());
    stream.gzip_flag = IGZIP_ZLIB;
  }
  void add(base::ConstBytes piece, Flush flush, std::string& out) override {
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(piece.data()));
    stream.avail_in = static_cast<std::uint32_t>(piece.size());
    stream.end_of_stream = flush == Flush::finish ? 1 : 0;
    stream.flush = flush == Flush::sync ? SYNC_FLUSH : NO_FLUSH;
    for (;;) {
      const std::size_t before = out.size();
      const std::size_t room = room_for(stream.avail_in);
      out.resize(before + room);
      stream.next_out = reinterpret_cast<std::uint8_t*>(out.data() + before);
      stream.avail_out = static_cast<std::uint32_t>(room);
      const int result = isal_deflate(&stream);
      out.resize(before + room - stream.avail_out);
      if (result != COMP_OK) throw Error(ErrorCode::internal, "ISA-L failed to compress");
      if (flush == Flush::finish ? stream.internal_state.state == ZSTATE_END
                                 : stream.avail_out > 0 && stream.avail_in == 0)
        return;
    }
  }
};
#endif

struct Deflater::Impl {
  enum class Mode { trial, deflate, store };
  std::unique_ptr<Compressor> compressor;
  Mode mode = Mode::trial;
  std::string trial;  // content held back until it is known whether it shrinks
  std::uint32_t adler = 1;

  void start() {
    mode = Mode::trial;
    trial.clear();
    adler = 1;
  }

  /// Deflate's stored blocks: five bytes for every 65,535.
  void store(base::ConstBytes piece, bool last, std::string& out) {
    adler = adler32_of(adler, piece);
    do {
      const base::ConstBytes block = piece.first(std::min<std::size_t>(piece.size(), 65535));
      piece = piece.subspan(block.size());
      const auto size = static_cast<unsigned>(block.size());
      const bool final_block = last && piece.empty();
      if (block.empty() && !final_block) return;
      const unsigned char head[5] = {static_cast<unsigned char>(final_block ? 1 : 0),
                                     static_cast<unsigned char>(size & 255), static_cast<unsigned char>(size >> 8),
                                     static_cast<unsigned char>(~size & 255),
                                     static_cast<unsigned char>((~size >> 8) & 255)};
      out.append(reinterpret_cast<const char*>(head), sizeof head);
      out += base::text_of(block);
    } while (!piece.empty());
    if (last)
      for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(adler >> shift & 255);
  }

  /// `sample` is the first 64 KiB, or all there is.
  void decide(base::ConstBytes sample, bool last, std::string& out) {
    const std::size_t before = out.size();
    compressor->start();
    compressor->add(sample, last ? Flush::finish : Flush::sync, out);
    const std::size_t made = out.size() - before;
    const std::size_t stored = sample.size() + 11;
    if (made < stored && (last || made + sample.size() / 64 < sample.size())) {
      mode = Mode::deflate;
      return;
    }
    out.resize(before);
    out += "\x78\x01";
    mode = Mode::store;
    store(sample, last, out);
  }

  void add(base::ConstBytes piece, bool last, std::string& out) {
    if (mode == Mode::trial) {
      if (trial.empty() && (piece.size() >= trial_size || last)) {
        const base::ConstBytes sample = piece.first(std::min(piece.size(), trial_size));
        const bool all = last && sample.size() == piece.size();
        decide(sample, all, out);
        if (all) return;
        piece = piece.subspan(sample.size());
      } else {
        trial += base::text_of(piece);
        if (trial.size() < trial_size && !last) return;
        std::string held = std::move(trial);
        trial.clear();
        add(base::bytes_of(held), last, out);
        return;
      }
    }
    if (mode == Mode::store) {
      store(piece, last, out);
      return;
    }
    do {
      const base::ConstBytes part = piece.first(std::min(piece.size(), most_at_once));
      piece = piece.subspan(part.size());
      compressor->add(part, last && piece.empty() ? Flush::finish : Flush::none, out);
    } while (!piece.empty());
  }
};

Deflater::Deflater(ZlibEngine engine) : impl_(std::make_unique<Impl>()) {
#ifdef POD_HAVE_ISAL
  if (engine == ZlibEngine::isal) {
    impl_->compressor = std::make_unique<IsalCompressor>();
    return;
  }
#endif
  static_cast<void>(engine);
  impl_->compressor = std::make_unique<ZlibCompressor>(1);
}
Deflater::~Deflater() = default;
Deflater::Deflater(Deflater&&) noexcept = default;
Deflater& Deflater::operator=(Deflater&&) noexcept = default;
void Deflater::start() { impl_->start(); }
void Deflater::add(base::ConstBytes piece, bool last, std::string& out) { impl_->add(piece, last, out); }
void Deflater::whole(base::ConstBytes content, std::string& out) {
  impl_->start();
  impl_->add(content, true, out);
}

TightDeflater::TightDeflater() : compressor_(std::make_unique<ZlibCompressor>(9)) {}
TightDeflater::~TightDeflater() = default;
void TightDeflater::whole(base::ConstBytes content, std::string& out) {
  compressor_->start();
  do {
    const base::ConstBytes part = content.first(std::min(content.size(), most_at_once));
    content = content.subspan(part.size());
    compressor_->add(part, content.empty() ? Flush::finish : Flush::none, out);
  } while (!content.empty());
}

std::uint32_t crc32_of(std::uint32_t crc, base::ConstBytes bytes) noexcept {
#ifdef POD_HAVE_ISAL
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
#else
  while (!bytes.empty()) {
    const base::ConstBytes piece = bytes.first(std::min(bytes.size(), most_at_once));
    crc = static_cast<std::uint32_t>(
        ::crc32(crc, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size())));
    bytes = bytes.subspan(piece.size());
  }
  return crc;
#endif
}

}  // namespace pod::git
