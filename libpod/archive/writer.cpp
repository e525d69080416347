#include "archive/archive.hpp"
#include "archive/entry_writer.hpp"
#include "archive/verdict.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>

namespace pod::archive {
namespace {

/// A source that stops when the user does.
class Cancellable final : public base::ByteSource {
 public:
  Cancellable(base::ByteSource& source, const CancelToken& cancel) : source_(source), cancel_(cancel) {}
  std::size_t read(std::span<std::byte> buffer) override {
    cancel_.check();
    return source_.read(buffer);
  }

 private:
  base::ByteSource& source_;
  const CancelToken& cancel_;
};

}  // namespace

struct Writer::Impl {
  Impl(const std::filesystem::path& file, Format format, const Context& writer_context)
      : context(writer_context),
        output{file, base::open_file(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600)},
        entries(format == Format::zip ? make_zip_writer(output) : make_tar_writer(output)) {}

  /// What Reader would not take is not written.
  void remember(const StatePath& path, bool folder) {
    seen.push_back({.path = checked_path(path.str(), output.path), .folder = folder});
  }

  Context context;
  Output output;
  std::unique_ptr<EntryWriter> entries;
  std::vector<Entry> seen;
};

Writer::Writer(const std::filesystem::path& file, Format format, const Context& context)
    : impl_(std::make_unique<Impl>(file, format, context)) {}
Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;

void Writer::add(const StatePath& path, std::uint64_t size, base::ByteSource& source, unsigned mode) {
  impl_->remember(path, false);
  Cancellable cancellable(source, *impl_->context.cancel);
  impl_->entries->add_file(path, size, cancellable, mode);
}

void Writer::add(const StatePath& path, std::string_view bytes, unsigned mode) {
  base::MemorySource source(bytes);
  add(path, bytes.size(), source, mode);
}

void Writer::add_folder(const StatePath& path, unsigned mode) {
  impl_->remember(path, true);
  impl_->entries->add_folder(path, mode);
}

void Writer::finish() {
  refuse_clashes(impl_->seen, impl_->output.path);
  impl_->entries->finish();
  base::sync_file(impl_->output.fd.get(), impl_->output.path);
}

}  // namespace pod::archive
