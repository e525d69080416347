#include "archive/zip_contents.hpp"

#include "archive/verdict.hpp"

#include <libpod/error.hpp>

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

namespace pod::archive {
namespace {

struct FreeReader {
  void operator()(struct ::archive* handle) const { archive_read_free(handle); }
};
using Handle = std::unique_ptr<struct ::archive, FreeReader>;

/// What libarchive's callbacks work on. They must not throw: the exception waits here.
struct Input {
  const PositionedFile& file;
  std::vector<std::byte> buffer = std::vector<std::byte>(std::size_t{128} << 10);
  std::uint64_t position = 0;
  std::exception_ptr failure;
};

la_ssize_t read_piece(struct ::archive* handle, void* data, const void** piece) {
  Input& input = *static_cast<Input*>(data);
  try {
    const std::size_t count = input.file.read_some(input.position, input.buffer);
    input.position += count;
    *piece = input.buffer.data();
    return static_cast<la_ssize_t>(count);
  } catch (...) {
    input.failure = std::current_exception();
    archive_set_error(handle, EIO, "reading failed");
    return ARCHIVE_FATAL;
  }
}

la_int64_t skip_bytes(struct ::archive*, void* data, la_int64_t count) {
  Input& input = *static_cast<Input*>(data);
  const std::uint64_t rest = input.file.size() - std::min(input.position, input.file.size());
  const std::uint64_t step = std::min(rest, static_cast<std::uint64_t>(std::max<la_int64_t>(count, 0)));
  input.position += step;
  return static_cast<la_int64_t>(step);
}

la_int64_t seek_to(struct ::archive*, void* data, la_int64_t offset, int whence) {
  Input& input = *static_cast<Input*>(data);
  const auto from = static_cast<la_int64_t>(whence == SEEK_SET   ? 0
                                            : whence == SEEK_CUR ? input.position
                                                                 : input.file.size());
  if (offset < -from) return ARCHIVE_FATAL;
  input.position = static_cast<std::uint64_t>(from + offset);
  return from + offset;
}

[[noreturn]] void fail(struct ::archive* handle, const Input& input, const std::string& reason) {
  if (input.failure) std::rethrow_exception(input.failure);
  const char* detail = archive_error_string(handle);
  Error error(ErrorCode::corrupt, "archive " + quote(input.file.path().native()) + " is damaged: " + reason);
  if (detail != nullptr) error.because(printable(detail));
  throw error;
}

class ZipSource final : public base::ByteSource {
 public:
  ZipSource(struct ::archive* handle, const Input& input, const Entry& entry, const CancelToken& cancel)
      : handle_(handle), input_(input), entry_(entry), cancel_(cancel) {}

  std::size_t read(std::span<std::byte> buffer) override {
    cancel_.check();
    if (buffer.empty()) return 0;
    const std::uint64_t left = entry_.size - done_;
    const std::size_t count =
        take(buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left))));
    done_ += count;
    if (count == 0 && left != 0) fail(handle_, input_, what() + " is shorter than it says");
    if (done_ == entry_.size && !std::exchange(checked_, true)) {
      // libarchive compares size and CRC where it meets the end; ask for that before the last bytes are believed.
      std::byte beyond{};
      if (take(std::span(&beyond, 1)) != 0) fail(handle_, input_, what() + " is longer than it says");
    }
    return count;
  }

 private:
  std::string what() const { return "entry " + quote(entry_.path.str()); }
  std::size_t take(std::span<std::byte> buffer) {
    std::size_t done = 0;
    while (done < buffer.size()) {
      const la_ssize_t count = archive_read_data(handle_, buffer.data() + done, buffer.size() - done);
      if (count < 0) fail(handle_, input_, what() + " cannot be read");  // warnings too: a wrong CRC is one
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  struct ::archive* handle_;
  const Input& input_;
  const Entry& entry_;
  const CancelToken& cancel_;
  std::uint64_t done_ = 0;
  bool checked_ = false;
};

}  // namespace

void visit_zip(const PositionedFile& file, const std::vector<Entry>& entries, const CancelToken& cancel,
               const FileVisitor& visit) {
  if (entries.empty()) return;
  Input input{.file = file};
  const Handle handle(archive_read_new());
  if (!handle) throw std::bad_alloc();
  archive_read_support_format_zip_seekable(handle.get());
  archive_read_set_read_callback(handle.get(), read_piece);
  archive_read_set_skip_callback(handle.get(), skip_bytes);
  archive_read_set_seek_callback(handle.get(), seek_to);
  archive_read_set_callback_data(handle.get(), &input);
  if (archive_read_open1(handle.get()) != ARCHIVE_OK) fail(handle.get(), input, "it cannot be read");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    cancel.check();
    const Entry& entry = entries[i];
    struct ::archive_entry* header = nullptr;
    // A warning here is about converting the name for a locale, and names are not taken from libarchive.
    const int result = archive_read_next_header(handle.get(), &header);
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
      fail(handle.get(), input, "entry " + quote(entry.path.str()) + " cannot be read");
    if (entry.folder) continue;
    const bool same = archive_entry_filetype(header) == AE_IFREG && archive_entry_size_is_set(header) &&
                      static_cast<std::uint64_t>(archive_entry_size(header)) == entry.size;
    if (!same) corrupt(file.path(), "entry " + quote(entry.path.str()) + " changed while it was read");
    ZipSource source(handle.get(), input, entry, cancel);
    if (!visit(i, source)) return;
  }
}

}  // namespace pod::archive
