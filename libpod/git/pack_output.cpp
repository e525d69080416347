#include "git/pack_output.hpp"

#include "digest/digest.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <numeric>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_limit = 1 << 20;
constexpr std::uint64_t early_write = 8u << 20;  // the disk starts on what is there while we go on

void append_number(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255);
}

std::string_view bytes_of_id(const Oid& id) { return {reinterpret_cast<const char*>(id.bytes().data()), Oid::size}; }

/// The file of a cruft pack, as `git help format-pack` has it: times in the order of the index.
std::string encode_times(const std::vector<std::uint32_t>& times, const Oid& pack_checksum) {
  std::string out("MTME\0\0\0\1\0\0\0\1", 12);
  for (const std::uint32_t time : times) append_number(out, time);
  out += bytes_of_id(pack_checksum);
  out += bytes_of_id(digest::Sha1().update(out).finish());
  return out;
}

}  // namespace

TemporaryFile::TemporaryFile(const fs::path& folder, std::string_view prefix) {
  for (;;) {
    const fs::path path = folder / (std::string(prefix) + digest::hex(digest::random_bytes(8)));
    try {
      fd_ = base::open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::already_exists) throw;
      continue;
    }
    // Held while it lives, so that a sweep tells it from what a killed writer left. One that came in between has
    // taken the file away: then another one is made.
    struct stat status {};
    const bool locked = ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
    if ((!locked && errno != EWOULDBLOCK) || ::fstat(fd_.get(), &status) != 0) {
      const int error = errno;
      ::unlink(path.c_str());
      base::throw_errno(error, "lock", path);
    }
    if (locked && status.st_nlink > 0) {
      path_ = path;
      return;
    }
  }
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void TemporaryFile::seal() {
  if (::fchmod(fd_.get(), 0444) != 0) base::throw_errno(errno, "write", path_);
  base::sync_file(fd_.get(), path_);
}

void TemporaryFile::rename_to(const fs::path& path) {
  if (::rename(path_.c_str(), path.c_str()) != 0) base::throw_errno(errno, "write", path);
  path_.clear();
}

void write_at(int fd, std::string_view bytes, std::uint64_t offset, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) base::throw_errno(errno, "write", path);
    if (count == 0) base::throw_errno(ENOSPC, "write", path);
    offset += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string pack_head(std::uint32_t count) {
  std::string head("PACK\0\0\0\2", 8);
  append_number(head, count);
  return head;
}

void append_entry_head(std::string& out, unsigned type, std::uint64_t size) {
  auto byte = type << 4 | static_cast<unsigned>(size & 15);
  for (size >>= 4; size > 0; size >>= 7) {
    out += static_cast<char>(byte | 128);
    byte = static_cast<unsigned>(size & 127);
  }
  out += static_cast<char>(byte);
}

void append_base_distance(std::string& out, std::uint64_t distance) {
  char reversed[10];
  std::size_t length = 0;
  reversed[length++] = static_cast<char>(distance & 127);
  while ((distance >>= 7) != 0) reversed[length++] = static_cast<char>(128 | (--distance & 127));
  while (length > 0) out += reversed[--length];
}

PackOutput::PackOutput(const fs::path& objects, const Context& context)
    : folder_(objects / "pack"), context_(context), pack_(folder_, "tmp_pack_") {}

std::uint64_t PackOutput::add(const Oid& id, std::uint32_t crc, std::string_view entry) {
  const std::uint64_t offset = position();
  append(entry);
  add_entry(id, crc, offset);
  return offset;
}

void PackOutput::append(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= buffer_limit) flush();
}

void PackOutput::add_entry(const Oid& id, std::uint32_t crc, std::uint64_t offset) {
  entries_.push_back({id, crc, offset});
}

void PackOutput::flush() {
  context_.cancel->check();
  write_at(pack_.fd(), buffer_, position_, pack_.path());
  position_ += buffer_.size();
  buffer_.clear();
  if (position_ - told_disk_ < early_write) return;
  // Advice only: the fsync at the end has less left to do.
  static_cast<void>(::sync_file_range(pack_.fd(), static_cast<off_t>(told_disk_),
                                      static_cast<off_t>(position_ - told_disk_), SYNC_FILE_RANGE_WRITE));
  told_disk_ = position_;
}

void PackOutput::seal() {
  flush();
  if (entries_.empty() || entries_.size() > UINT32_MAX)
    throw Error(ErrorCode::refused, "a pack cannot hold " + std::to_string(entries_.size()) + " objects");
  write_at(pack_.fd(), pack_head(static_cast<std::uint32_t>(entries_.size())), 0, pack_.path());
  // The count in the head is known only now, so the trailer is computed over the finished file.
  digest::Sha1 whole;
  std::string piece(buffer_limit, '\0');
  for (std::uint64_t at = 0; at < position_;) {
    context_.cancel->check();
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), position_ - at));
    const ssize_t got = ::pread(pack_.fd(), piece.data(), want, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::throw_errno(errno, "read", pack_.path());
    if (got == 0)
      throw Error(ErrorCode::io, "the pack " + quote(pack_.path().native()) + " lost its end while it was written");
    whole.update(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
  }
  checksum_ = whole.finish();
  write_at(pack_.fd(), bytes_of_id(checksum_), position_, pack_.path());

  std::string times;
  if (!times_.empty()) {
    // The index sorts its entries: the times go the same way.
    if (times_.size() != entries_.size()) throw Error(ErrorCode::internal, "a pack has another number of times");
    std::vector<std::size_t> order(entries_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return entries_[a].id < entries_[b].id; });
    std::vector<std::uint32_t> sorted;
    sorted.reserve(order.size());
    for (const std::size_t place : order) sorted.push_back(times_[place]);
    times = encode_times(sorted, checksum_);
    mtimes_.emplace(folder_, "tmp_mtimes_");
    base::write_all(mtimes_->fd(), base::bytes_of(times), mtimes_->path());
  }
  index_.emplace(folder_, "tmp_idx_");
  const std::string index = encode_index(entries_, checksum_);
  base::write_all(index_->fd(), base::bytes_of(index), index_->path());
  pack_.seal();
  if (mtimes_) mtimes_->seal();
  index_->seal();
  bytes_ = position_ + Oid::size + index.size() + times.size();
}

fs::path PackOutput::publish() {
  context_.cancel->check();
  const fs::path pack_path = folder_ / ("pack-" + checksum_.hex() + ".pack");
  const fs::path index_path = fs::path(pack_path).replace_extension(".idx");
  const fs::path times_path = fs::path(pack_path).replace_extension(".mtimes");
  const bool was_there = ::access(pack_path.c_str(), F_OK) == 0;
  try {
    pack_.rename_to(pack_path);
    if (mtimes_) mtimes_->rename_to(times_path);
    index_->rename_to(index_path);
    base::sync_folder(folder_);
  } catch (...) {
    if (!was_there)
      for (const fs::path& path : {index_path, times_path, pack_path}) ::unlink(path.c_str());
    throw;
  }
  return pack_path;
}

}  // namespace pod::git
