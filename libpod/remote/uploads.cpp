#include "remote/uploads.hpp"

#include "base/files.hpp"
#include "objects/forwarding_store.hpp"
#include "remote/layout.hpp"
#include "remote/parallel.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>

namespace pod::remote {
namespace {

/// Days before that of `since` whose uploads count as the push's own. With 24 hours for the push and seven days for the
/// collector this leaves three days for requests under way (FORMATS.md).
constexpr std::int32_t days_back = 2;

/// Tells of each byte once, also if it is sent twice.
objects::Content shown(const objects::Content& content, const Context& context) {
  const auto told = std::make_shared<std::atomic<std::uint64_t>>(0);
  return objects::watched(content, [told, size = content.size, &context](std::uint64_t bytes) {
    context.cancel->check();
    const std::uint64_t before = told->fetch_add(bytes);
    if (before < size) context.progress->advance(std::min(bytes, size - before));
  });
}

void check_size(const objects::Key& key, std::uint64_t size, std::uint64_t wanted) {
  if (size == wanted) return;
  throw Error(ErrorCode::corrupt, quote(key.str()) + " of the remote has " + std::to_string(size) +
                                      " bytes in place of " + std::to_string(wanted))
      .hint("remove it from the remote, and push again");
}

class Sender {
 public:
  Sender(objects::ObjectStore& store, std::int64_t since, const UploadOptions& options, const Context& context)
      : store_(store), today_(Day::of(since)), options_(options), context_(context) {}

  std::uint64_t sent() const { return sent_; }
  std::uint64_t found() const { return found_; }

  PackInfo send(const Upload& upload) {
    if (upload.info.index.has_value() != upload.index.has_value() || upload.pack.size != upload.info.pack.size)
      throw Error(ErrorCode::internal, "what is to be uploaded is not what was described");
    PackInfo info = upload.info;
    info.day = today_;
    // Both lie in the same folder, so an older one counts only as a whole.
    if (info.pack.size >= options_.ask_from)
      for (std::int32_t back = 1; back <= days_back; ++back) {
        const Day day{today_.number - back};
        if (!is_there(pack_key(day, info.pack.sha256), info.pack.size)) continue;
        info.day = day;
        break;
      }
    if (info.day == today_)
      put(pack_key(today_, info.pack.sha256), upload.pack, info.pack.size >= options_.ask_from);
    else
      count_found(info.pack.size);
    if (info.index) put(index_key(info.day, info.index->sha256), *upload.index, false);
    return info;
  }

 private:
  bool is_there(const objects::Key& key, std::uint64_t size) {
    const auto info = store_.head(key);
    if (!info) return false;
    check_size(key, info->size, size);
    return true;
  }

  void put(const objects::Key& key, const objects::Content& content, bool ask_first) {
    context_.cancel->check();
    if (ask_first && is_there(key, content.size)) return count_found(content.size);
    if (store_.put_if_absent(key, shown(content, context_)) == objects::Creation::created) {
      sent_ += content.size;
      return;
    }
    if (!is_there(key, content.size))
      throw Error(ErrorCode::busy, quote(key.str()) + " of the remote was taken away while it was needed");
    count_found(content.size);
  }

  void count_found(std::uint64_t size) { found_ += size; }

  objects::ObjectStore& store_;
  Day today_;
  const UploadOptions& options_;
  const Context& context_;
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> found_{0};
};

/// A stretch of a file.
class Stretch final : public base::ByteSource {
 public:
  Stretch(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t length)
      : file_(base::open_file(path, O_RDONLY | O_NOFOLLOW)), path_(path), at_(offset), left_(length) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    if (wanted == 0) return 0;
    ssize_t count = 0;
    do count = ::pread(file_.get(), buffer.data(), wanted, static_cast<off_t>(at_));
    while (count < 0 && errno == EINTR);
    if (count < 0) base::throw_errno(errno, "read", path_);
    if (count == 0) throw Error(ErrorCode::io, quote(path_.native()) + " became shorter while it was uploaded");
    at_ += static_cast<std::uint64_t>(count);
    left_ -= static_cast<std::uint64_t>(count);
    return static_cast<std::size_t>(count);
  }

 private:
  base::Fd file_;
  std::filesystem::path path_;
  std::uint64_t at_;
  std::uint64_t left_;
};

objects::Content content_of(const std::filesystem::path& path, const NamedFile& file) {
  return {file.size, file.sha256, [path](std::uint64_t offset, std::uint64_t length) {
            return std::unique_ptr<base::ByteSource>(std::make_unique<Stretch>(path, offset, length));
          }};
}

}  // namespace

Upload upload_of(const OutgoingPack& pack) {
  Upload upload{pack.info, content_of(pack.pack, pack.info.pack), std::nullopt};
  if (pack.index) upload.index = content_of(*pack.index, pack.info.index.value());
  return upload;
}

Uploaded upload(objects::ObjectStore& store, std::int64_t since, const std::vector<Upload>& uploads,
                const UploadOptions& options, const Context& context) {
  Sender sender(store, since, options, context);
  Uploaded result;
  result.packs.resize(uploads.size());
  in_parallel(uploads.size(), options.connections, [&](std::size_t i) { result.packs[i] = sender.send(uploads[i]); });
  result.sent = sender.sent();
  result.found = sender.found();
  return result;
}

}  // namespace pod::remote
