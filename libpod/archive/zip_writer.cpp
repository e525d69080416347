#include "archive/entry_writer.hpp"

#include <libpod/error.hpp>

#include "base/utf8.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <zstd.h>

#include <locale.h>
#include <algorithm>
#include <clocale>
#include <exception>
#include <vector>

namespace pod::archive {
namespace {

struct FreeWriter {
  void operator()(struct ::archive* handle) const { archive_write_free(handle); }
};
struct FreeEntry {
  void operator()(struct ::archive_entry* entry) const { archive_entry_free(entry); }
};

/// libarchive marks a name as UTF-8 where the locale is UTF-8. The same archive must come out under any locale, so
/// while a header is written this thread has the locale that the name's bytes call for.
class NameLocale {
 public:
  explicit NameLocale(const std::string& name)
      : locale_(newlocale(LC_CTYPE_MASK, base::is_utf8(name) ? "C.UTF-8" : "C", nullptr)) {
    if (locale_ != nullptr) before_ = uselocale(locale_);
  }
  ~NameLocale() {
    if (locale_ == nullptr) return;
    uselocale(before_);
    freelocale(locale_);
  }
  NameLocale(const NameLocale&) = delete;
  NameLocale& operator=(const NameLocale&) = delete;

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

// Larger files are stored. Deflate is slow on them, and where their end shrinks as zeros do the archive would inflate
// to hundreds of times its size, which a reader takes for a bomb.
constexpr std::uint64_t deflate_limit = 64ull << 20;

/// Whether deflate is worth its time, judged by zstd's fastest level on the beginning, and harmless (see above).
bool worth_deflating(base::ConstBytes beginning, std::uint64_t size) {
  if (beginning.empty() || size > deflate_limit) return false;
  std::vector<std::byte> buffer(ZSTD_compressBound(beginning.size()));
  const std::size_t packed = ZSTD_compress(buffer.data(), buffer.size(), beginning.data(), beginning.size(), 1);
  if (ZSTD_isError(packed) != 0) return false;
  const bool suspicious = size > (1u << 20) && packed < beginning.size() / 100;
  return packed < beginning.size() / 16 * 15 && !suspicious;
}

class ZipWriter final : public EntryWriter {
 public:
  explicit ZipWriter(const Output& output) : output_(output), handle_(archive_write_new()) {
    if (!handle_) throw std::bad_alloc();
    archive_write_set_format_zip(handle_.get());
    archive_write_set_bytes_per_block(handle_.get(), 1 << 18);
    archive_write_set_bytes_in_last_block(handle_.get(), 1);
    check(archive_write_open(handle_.get(), this, nullptr, write_piece, nullptr));
  }
  ~ZipWriter() override {
    // Freeing closes, and closing writes the directory. archive_write_fail() would prevent that, but leaks the buffer.
    discard_ = discard_ || !finished_;
  }

  void add_file(const StatePath& path, std::uint64_t size, base::ByteSource& source, unsigned mode) override {
    std::vector<std::byte> buffer(256 << 10);
    const std::size_t sample_size = static_cast<std::size_t>(std::min<std::uint64_t>(size, 64 << 10));
    std::size_t filled = read_fully(source, std::span(buffer).first(sample_size));
    if (worth_deflating(std::span(buffer).first(filled), size))
      check(archive_write_zip_set_compression_deflate(handle_.get()));
    else
      check(archive_write_zip_set_compression_store(handle_.get()));
    begin(path.str(), AE_IFREG, size, mode);
    std::uint64_t done = 0;
    do {
      if (filled > size - done) throw wrong_size(path, "more");
      write_data(std::span(buffer).first(filled));
      done += filled;
      filled = source.read(buffer);
    } while (filled != 0);
    if (done != size) throw wrong_size(path, "fewer");
    check(archive_write_finish_entry(handle_.get()));
  }

  void add_folder(const StatePath& path, unsigned mode) override {
    begin(path.str() + '/', AE_IFDIR, 0, mode);
    check(archive_write_finish_entry(handle_.get()));
  }

  void finish() override {
    finished_ = true;
    check(archive_write_close(handle_.get()));
  }

 private:
  static Error wrong_size(const StatePath& path, const char* how) {
    return Error(ErrorCode::corrupt, quote(path.str()) + " gave " + how + " bytes than its size");
  }

  /// Always says that it worked, since libarchive leaks its buffer where this fails; check() throws what was caught.
  static la_ssize_t write_piece(struct ::archive*, void* data, const void* piece, std::size_t count) {
    ZipWriter& writer = *static_cast<ZipWriter*>(data);
    try {
      if (!writer.discard_) writer.output_.write({static_cast<const std::byte*>(piece), count});
    } catch (...) {
      writer.failure_ = std::current_exception();
      writer.discard_ = true;
    }
    return static_cast<la_ssize_t>(count);
  }

  void check(int result) {
    if (failure_) std::rethrow_exception(failure_);
    if (result == ARCHIVE_OK) return;
    const char* detail = archive_error_string(handle_.get());
    throw Error(ErrorCode::internal, "cannot write archive " + quote(output_.path.native()))
        .because(printable(detail != nullptr ? detail : "unknown"));
  }

  void begin(const std::string& name, unsigned type, std::uint64_t size, unsigned mode) {
    const std::unique_ptr<struct ::archive_entry, FreeEntry> entry(archive_entry_new());
    if (!entry) throw std::bad_alloc();
    archive_entry_copy_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), static_cast<__LA_MODE_T>(mode & 0777));
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    const NameLocale locale(name);
    check(archive_write_header(handle_.get(), entry.get()));
  }

  void write_data(base::ConstBytes bytes) {
    while (!bytes.empty()) {
      const la_ssize_t count = archive_write_data(handle_.get(), bytes.data(), bytes.size());
      check(count > 0 ? ARCHIVE_OK : ARCHIVE_FATAL);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  const Output& output_;
  std::exception_ptr failure_;
  bool finished_ = false;
  bool discard_ = false;
  std::unique_ptr<struct ::archive, FreeWriter> handle_;  // the last: freeing it calls write_piece
};

}  // namespace

std::unique_ptr<EntryWriter> make_zip_writer(const Output& output) { return std::make_unique<ZipWriter>(output); }

}  // namespace pod::archive
