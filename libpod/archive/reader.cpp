#include "archive/archive.hpp"
#include "archive/tar_stream.hpp"
#include "archive/verdict.hpp"
#include "archive/zip_contents.hpp"
#include "archive/zip_layout.hpp"

#include <libpod/error.hpp>

#include "archive/little_endian.hpp"
#include "base/ascii.hpp"

#include <algorithm>
#include <array>

namespace pod::archive {
namespace {

/// By the first four bytes. A zip begins with its first entry, or with its end where it has none.
Format format_of(const PositionedFile& file) {
  std::array<std::byte, 4> bytes{};
  const std::size_t count = file.read_some(0, bytes);
  const std::uint32_t magic = count == bytes.size() ? LittleEndian(bytes).u32(0) : 0;
  if (magic == 0x04034b50 || magic == 0x06054b50) return Format::zip;
  if (magic == 0xfd2fb528 || (magic & 0xfffffff0) == 0x184d2a50) return Format::tar_zst;
  throw Error(ErrorCode::corrupt,
              quote(file.path().native()) + (count == 0 ? " is empty" : " is not a zip or tar.zst archive"))
      .hint("check that the file was downloaded whole, and that it is a pod archive");
}

}  // namespace

Format format_for(const std::filesystem::path& name) {
  const std::string text = base::lower(name.filename().native());
  return text.ends_with(".tar.zst") || text.ends_with(".tzst") ? Format::tar_zst : Format::zip;
}

struct Reader::Impl {
  Impl(const std::filesystem::path& path, const Limits& reader_limits, const Context& reader_context)
      : file(path), limits(reader_limits), context(reader_context), format(format_of(file)) {
    entries =
        format == Format::zip ? check_zip(file, limits, *context.cancel) : check_tar(file, limits, *context.cancel);
  }
  void visit(const FileVisitor& visitor) const {
    if (format == Format::zip)
      visit_zip(file, entries, *context.cancel, visitor);
    else
      visit_tar(file, entries, limits, *context.cancel, visitor);
  }

  PositionedFile file;
  Limits limits;
  Context context;
  Format format;
  std::vector<Entry> entries;
};

Reader::Reader(const std::filesystem::path& file, const Limits& limits, const Context& context)
    : impl_(std::make_unique<Impl>(file, limits, context)) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;

Format Reader::format() const noexcept { return impl_->format; }
const std::vector<Entry>& Reader::entries() const noexcept { return impl_->entries; }

bool Reader::contains(std::string_view path) const {
  return std::any_of(impl_->entries.begin(), impl_->entries.end(),
                     [&](const Entry& entry) { return entry.path.str() == path; });
}

void Reader::for_each(const std::function<void(const Entry&, base::ByteSource&)>& visit) {
  impl_->visit([&](std::size_t index, base::ByteSource& source) {
    visit(impl_->entries[index], source);
    return true;
  });
}

std::optional<std::string> Reader::read(std::string_view path, std::uint64_t limit) {
  const auto& entries = impl_->entries;
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return !entry.folder && entry.path.str() == path; });
  if (found == entries.end()) return std::nullopt;
  const std::string what = "entry " + quote(path) + " of " + quote(impl_->file.path().native());
  if (found->size > limit) throw Error(ErrorCode::refused, what + " has more than " + std::to_string(limit) + " bytes");
  const auto wanted = static_cast<std::size_t>(found - entries.begin());
  std::optional<std::string> text;
  impl_->visit([&](std::size_t index, base::ByteSource& source) {
    if (index != wanted) return true;
    text = base::read_all(source, limit);
    return false;
  });
  return text;
}

}  // namespace pod::archive
