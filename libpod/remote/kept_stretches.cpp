#include "remote/kept_stretches.hpp"

#include "git/deflate.hpp"
#include "git/pack_output.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t note_limit = 64ull << 20;
constexpr std::size_t piece_size = 256 * std::size_t{1024};

template <class Number>
bool take_number(std::string_view& line, char end, Number& number) {
  const auto [after, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || after == line.data() + line.size() || *after != end) return false;
  line.remove_prefix(static_cast<std::size_t>(after - line.data()) + 1);
  return true;
}

}  // namespace

KeptStretches::KeptStretches(fs::path file, std::uint64_t size) : file_(std::move(file)), size_(size) {
  fd_ = base::open_file(file_, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) base::throw_errno(errno, "write", file_);
  note_ = base::open_file(file_.native() + "-note", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW);
  read_note();
}

void KeptStretches::read_note() {
  const fs::path named = file_.native() + "-note";
  const std::string text = base::read_file(named, note_limit).value_or("");
  std::string_view rest = text;
  for (std::string_view line = rest; !rest.empty(); rest = line) {
    Range range;
    std::uint32_t crc = 0;
    if (!take_number(line, ' ', range.first) || !take_number(line, ' ', range.second) || !take_number(line, '\n', crc))
      break;  // cut off in the middle of a line
    if (range.first < range.second && range.second <= size_ && is_sound(range, crc)) add(range);
  }
  // So that the next line is one.
  if (!rest.empty() && ::ftruncate(note_.get(), static_cast<off_t>(text.size() - rest.size())) != 0)
    base::throw_errno(errno, "write", named);
}

bool KeptStretches::is_sound(const Range& range, std::uint32_t crc) const {
  std::uint32_t found = 0;
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(range.second - range.first, piece_size)));
  for (std::uint64_t at = range.first; at < range.second;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), range.second - at));
    const ssize_t got = ::pread(fd_.get(), buffer.data(), wanted, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::throw_errno(errno, "read", file_);
    if (got == 0) return false;
    found = git::crc32_of(found, base::ConstBytes(buffer.data(), static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
  }
  return found == crc;
}

void KeptStretches::add(const Range& range) {
  auto [begin, end] = range;
  auto at = there_.upper_bound(begin);
  if (at != there_.begin() && std::prev(at)->second >= begin) --at;
  while (at != there_.end() && at->first <= end) {
    begin = std::min(begin, at->first);
    end = std::max(end, at->second);
    at = there_.erase(at);
  }
  there_.emplace(begin, end);
}

std::vector<KeptStretches::Range> KeptStretches::lacking(std::uint64_t begin, std::uint64_t end) const {
  const std::lock_guard lock(mutex_);
  std::vector<Range> found;
  auto at = there_.upper_bound(begin);
  if (at != there_.begin() && std::prev(at)->second > begin) --at;
  for (; begin < end && at != there_.end() && at->first < end; ++at) {
    if (at->first > begin) found.emplace_back(begin, at->first);
    begin = std::max(begin, at->second);
  }
  if (begin < end) found.emplace_back(begin, end);
  return found;
}

void KeptStretches::write(std::uint64_t offset, base::ConstBytes bytes) {
  git::write_at(fd_.get(), base::text_of(bytes), offset, file_);
}

void KeptStretches::note(const Range& range, std::uint32_t crc) {
  const std::string line =
      std::to_string(range.first) + ' ' + std::to_string(range.second) + ' ' + std::to_string(crc) + '\n';
  const std::lock_guard lock(mutex_);
  base::write_all(note_.get(), base::bytes_of(line), file_);
  add(range);
}

}  // namespace pod::remote
