// Files of chunks: one of them is written by all cores.
#include "snapshot/folder_writer.hpp"

#include <libpod/error.hpp>

#include "snapshot/file_copy.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t stretch_bytes = 1 << 20;  // that one task writes
constexpr std::uint64_t copy_bytes = 8 << 20;     // that one task copies

bool is_zero(std::string_view bytes) {
  return bytes.empty() || (bytes.front() == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/// What stands there becomes zeros, without space where the file system can.
void clear(int fd, const Chunk& chunk, const fs::path& path) {
  if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(chunk.offset),
                  static_cast<off_t>(chunk.size)) == 0)
    return;
  write_at(fd, base::bytes_of(std::string(static_cast<std::size_t>(chunk.size), '\0')), chunk.offset, path);
}

}  // namespace

/// Shared by the tasks that write it; the last one is done with it.
struct FolderWriter::LargeFile {
  std::size_t index = 0;
  const FileEntry* entry = nullptr;
  const KnownFile* known = nullptr;
  fs::path shown;
  base::Fd fd;
  base::Fd old;  // what it was copied from
  std::atomic<std::size_t> parts{1};
  std::atomic<bool> stale{false};
};

void FolderWriter::write_large(std::size_t index) {
  const WantedFile& wanted = (*files_)[index];
  const auto file = std::make_shared<LargeFile>();
  file->index = index;
  file->entry = wanted.entry;
  file->known = wanted.known;
  file->shown = shown_ / wanted.entry->path.str();
  FolderCursor cursor(root_);
  file->fd =
      cursor.open(wanted.entry->path, O_WRONLY | O_CREAT | O_TRUNC, (wanted.entry->mode & 0100) != 0 ? 0777 : 0666);
  if (!file->fd) base::throw_errno(errno, "write", file->shown);
  if (!write_over_copy(file)) write_chunks(file);
  part_done(*file);
}

void FolderWriter::write_chunks(const std::shared_ptr<LargeFile>& file) {
  if (::ftruncate(file->fd.get(), static_cast<off_t>(file->entry->size)) != 0)
    base::throw_errno(errno, "write", file->shown);
  ChunkWalk walk = view_.chunks(*file->entry);
  std::vector<Chunk> stretch;
  std::uint64_t bytes = 0;
  while (const auto chunk = walk.next()) {
    stretch.push_back(*chunk);
    bytes += chunk->size;
    if (bytes < stretch_bytes) continue;
    add_stretch(file, stretch);
    bytes = 0;
  }
  add_stretch(file, stretch);
}

bool FolderWriter::write_over_copy(const std::shared_ptr<LargeFile>& file) {
  if (before_ < 0 || file->known == nullptr || file->known->mode != 040000) return false;
  FolderCursor cursor(before_);
  file->old = cursor.open(file->entry->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (!file->old || ::fstat(file->old.get(), &status) != 0 || file_stat(status) != file->known->stat) {
    file->old = base::Fd();
    return false;
  }
  const bool cloned = clone_file(file->old.get(), file->fd.get());
  if (::ftruncate(file->fd.get(), static_cast<off_t>(file->entry->size)) != 0)
    base::throw_errno(errno, "write", file->shown);
  std::uint64_t same = 0;  // from here to the next other chunk
  std::vector<Chunk> stretch;
  std::uint64_t bytes = 0;
  try {
    for_each_other_chunk(view_.objects(), file->known->id, file->entry->id, [&](const Chunk& chunk) {
      if (!cloned) add_copy(file, same, chunk.offset);
      same = chunk.offset + chunk.size;
      stretch.push_back(chunk);
      bytes += chunk.size;
      if (bytes < stretch_bytes) return;
      add_stretch(file, stretch);
      bytes = 0;
    });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::corrupt) throw;
    // The store no longer says what the old file held; if it is the new one's tree, that will be said then.
    file->stale = true;
    return true;
  }
  if (!cloned) add_copy(file, same, file->entry->size);
  add_stretch(file, stretch);
  return true;
}

void FolderWriter::add_stretch(const std::shared_ptr<LargeFile>& file, std::vector<Chunk>& chunks) {
  if (chunks.empty()) return;
  ++file->parts;
  workers_.add([this, file, chunks = std::exchange(chunks, {})] {
    write_stretch(*file, chunks);
    part_done(*file);
  });
}

void FolderWriter::add_copy(const std::shared_ptr<LargeFile>& file, std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    const std::uint64_t end = std::min(to, from + copy_bytes);
    ++file->parts;
    workers_.add([this, file, from, end] {
      copy_part(*file, from, end);
      part_done(*file);
    });
    from = end;
  }
}

bool FolderWriter::is_known_zero(const Chunk& chunk) {
  const std::lock_guard lock(mutex_);
  return zeros_.size == chunk.size && zeros_.id == chunk.id;
}

void FolderWriter::write_stretch(LargeFile& file, const std::vector<Chunk>& chunks) {
  std::string run;  // what lies in one piece goes in one call
  run.reserve(static_cast<std::size_t>(stretch_bytes));
  std::uint64_t start = 0;
  const auto flush = [&] {
    if (run.empty()) return;
    write_at(file.fd.get(), base::bytes_of(run), start, file.shown);
    start_disk(file.fd.get(), start, run.size());
    run.clear();
  };
  for (const Chunk& chunk : chunks) {
    context_.cancel->check();
    context_.progress->advance(chunk.size);
    bool zero = is_known_zero(chunk);
    if (!zero) {
      const std::string content = read_chunk(view_.objects(), chunk);
      zero = is_zero(content);
      if (!zero) {
        if (start + run.size() != chunk.offset || run.size() + content.size() > stretch_bytes) flush();
        if (run.empty()) start = chunk.offset;
        run += content;
        continue;
      }
      const std::lock_guard lock(mutex_);
      zeros_ = chunk;
    }
    // A fresh file has a hole there already.
    if (file.old) clear(file.fd.get(), chunk, file.shown);
  }
  flush();
}

void FolderWriter::copy_part(LargeFile& file, std::uint64_t from, std::uint64_t to) {
  context_.cancel->check();
  context_.progress->advance(to - from);
  // It may have become shorter.
  if (!copy_stretch(file.old.get(), file.fd.get(), from, to, file.shown)) file.stale = true;
}

void FolderWriter::part_done(LargeFile& file) {
  if (--file.parts > 0) return;
  struct stat status {};
  if (file.old && (::fstat(file.old.get(), &status) != 0 || file_stat(status) != file.known->stat)) file.stale = true;
  if (file.stale) {
    const std::lock_guard lock(mutex_);
    stale_.push_back(file.index);
    return;
  }
  done(file.index, file.fd.get());
}

}  // namespace pod::snapshot
