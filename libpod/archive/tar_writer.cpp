#include "archive/entry_writer.hpp"

#include <libpod/error.hpp>

#include "base/utf8.hpp"

#include <zstd.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace pod::archive {
namespace {

constexpr std::size_t block_size = 512;
constexpr std::uint64_t octal_limit = 1ull << 33;  // eleven octal digits
constexpr std::uint64_t time_1980 = 315532800;

using Block = std::array<char, block_size>;

struct FreeEncoder {
  void operator()(ZSTD_CCtx* encoder) const { ZSTD_freeCCtx(encoder); }
};

void put(Block& block, std::size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
}

/// `digits` octal digits and a NUL.
void put_octal(Block& block, std::size_t at, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0; value >>= 3) block[at + i] = static_cast<char>('0' + (value & 7));
}

/// Where a name is cut into ustar's prefix and name; npos if it fits in neither way.
std::size_t split_point(const std::string& name) {
  if (name.size() <= 100) return 0;
  const auto slash = name.rfind('/', 155);
  const bool fits =
      slash != std::string::npos && slash != 0 && name.size() - slash - 1 <= 100 && slash + 1 < name.size();
  return fits ? slash : std::string::npos;
}

/// "<length> <key>=<value>\n", where the length counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::string rest = " " + std::string(key) + "=" + std::string(value) + "\n";
  std::size_t length = rest.size();
  while (std::to_string(length).size() + rest.size() != length) length = std::to_string(length).size() + rest.size();
  return std::to_string(length) + rest;
}

// A reader takes what inflates to more than 200 times its size for a bomb, and zeros shrink a thousandfold. Past this
// ratio the writer adds ballast: skippable frames, which every zstd decoder passes over.
constexpr std::uint64_t ratio_limit = 150;
constexpr std::uint64_t ratio_floor = 64ull << 20;
constexpr std::size_t ballast_size = 64 << 10;  // enough for the next 9 MiB

class TarWriter final : public EntryWriter {
 public:
  explicit TarWriter(const Output& output)
      : output_(output), encoder_(ZSTD_createCCtx()), packed_(ZSTD_CStreamOutSize()) {
    if (!encoder_) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(encoder_.get(), ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(encoder_.get(), ZSTD_c_checksumFlag, 1);
  }

  void add_file(const StatePath& path, std::uint64_t size, base::ByteSource& source, unsigned mode) override {
    header(path.str(), '0', size, mode);
    std::uint64_t done = 0;
    drain(source, [&](base::ConstBytes piece) {
      if (piece.size() > size - done)
        throw Error(ErrorCode::corrupt, quote(path.str()) + " gave more bytes than its size");
      pack(piece, ZSTD_e_continue);
      done += piece.size();
      contents_ += piece.size();
      add_ballast();
    });
    if (done != size) throw Error(ErrorCode::corrupt, quote(path.str()) + " gave fewer bytes than its size");
    pad(size);
  }

  void add_folder(const StatePath& path, unsigned mode) override { header(path.str() + '/', '5', 0, mode); }

  void finish() override {
    const std::array<char, 2 * block_size> end{};
    pack(base::bytes_of({end.data(), end.size()}), ZSTD_e_end);
  }

 private:
  void header(const std::string& name, char type, std::uint64_t size, unsigned mode) {
    const std::size_t split = split_point(name);
    std::string records;
    if (split == std::string::npos) {
      if (!base::is_utf8(name)) records += pax_record("hdrcharset", "BINARY");
      records += pax_record("path", name);
    }
    if (size >= octal_limit) records += pax_record("size", std::to_string(size));
    if (!records.empty()) {
      block("", "pax", 'x', records.size(), 0644);
      pack(base::bytes_of(records), ZSTD_e_continue);
      pad(records.size());
    }
    const std::uint64_t shown_size = size >= octal_limit ? 0 : size;
    if (split == std::string::npos)
      block("", std::string_view(name).substr(0, 100), type, shown_size, mode);
    else if (split == 0)
      block("", name, type, shown_size, mode);
    else
      block(std::string_view(name).substr(0, split), std::string_view(name).substr(split + 1), type, shown_size, mode);
  }

  void block(std::string_view prefix, std::string_view name, char type, std::uint64_t size, unsigned mode) {
    Block block{};
    put(block, 0, name);
    put_octal(block, 100, 7, mode & 0777);
    put_octal(block, 108, 7, 0);  // nobody's: owner and group are those of who unpacks
    put_octal(block, 116, 7, 0);
    put_octal(block, 124, 11, size);
    put_octal(block, 136, 11, time_1980);
    put(block, 148, "        ");
    block[156] = type;
    put(block, 257,
        std::string_view("ustar\0"
                         "00",
                         8));
    put(block, 345, prefix);
    std::uint64_t sum = 0;
    for (const char c : block) sum += static_cast<std::uint8_t>(c);
    put_octal(block, 148, 6, sum);
    block[154] = '\0';
    pack(base::bytes_of({block.data(), block.size()}), ZSTD_e_continue);
  }

  void pad(std::uint64_t size) {
    const std::array<char, block_size> zeros{};
    pack(base::bytes_of({zeros.data(), (block_size - size % block_size) % block_size}), ZSTD_e_continue);
  }

  void add_ballast() {
    if (contents_ < ratio_floor || written_ >= contents_ / ratio_limit) return;
    pack({}, ZSTD_e_end);  // a skippable frame stands between frames
    do {
      std::vector<std::byte> frame(8 + ballast_size);
      const std::array<unsigned char, 8> head{0x50, 0x2a, 0x4d, 0x18, 0, 0, ballast_size >> 16, 0};
      std::memcpy(frame.data(), head.data(), head.size());
      write(frame);
    } while (written_ < contents_ / ratio_limit);
  }

  void write(base::ConstBytes bytes) {
    output_.write(bytes);
    written_ += bytes.size();
  }

  void pack(base::ConstBytes bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    for (bool more = true; more;) {
      ZSTD_outBuffer output{packed_.data(), packed_.size(), 0};
      const std::size_t left = ZSTD_compressStream2(encoder_.get(), &output, &input, directive);
      if (ZSTD_isError(left) != 0)
        throw Error(ErrorCode::internal, "cannot write archive " + quote(output_.path.native()))
            .because(ZSTD_getErrorName(left));
      write(std::span(packed_).first(output.pos));
      more = directive == ZSTD_e_end ? left != 0 : input.pos != input.size;
    }
  }

  const Output& output_;
  std::unique_ptr<ZSTD_CCtx, FreeEncoder> encoder_;
  std::vector<std::byte> packed_;
  std::uint64_t contents_ = 0;  // of files, before
  std::uint64_t written_ = 0;   // and after compression
};

}  // namespace

std::unique_ptr<EntryWriter> make_tar_writer(const Output& output) { return std::make_unique<TarWriter>(output); }

}  // namespace pod::archive
