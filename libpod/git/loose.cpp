#include "git/loose.hpp"

#include "base/ascii.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace pod::git {
namespace {

constexpr std::size_t longest_head = 32;

std::optional<ObjectType> type_named(std::string_view name) {
  for (const ObjectType type : {ObjectType::commit, ObjectType::tree, ObjectType::blob, ObjectType::tag})
    if (name == type_name(type)) return type;
  return std::nullopt;
}

std::optional<ObjectHeader> parse_head(std::string_view head) {
  const std::size_t blank = head.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const std::optional<ObjectType> type = type_named(head.substr(0, blank));
  const std::string_view digits = head.substr(blank + 1);
  if (!type || !base::is_digits(digits) || digits.size() > 19 || (digits.size() > 1 && digits.front() == '0'))
    return std::nullopt;
  ObjectHeader header{*type, 0};
  for (const char digit : digits) header.size = header.size * 10 + static_cast<std::uint64_t>(digit - '0');
  return header;
}

}  // namespace

std::string object_head(ObjectType type, std::uint64_t size) {
  std::string head(type_name(type));
  head += ' ';
  head += std::to_string(size);
  head += '\0';
  return head;
}

std::unique_ptr<LooseStream> LooseStream::open(const std::filesystem::path& file) {
  base::Fd fd;
  try {
    fd = base::open_file(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return nullptr;
    throw;
  }
  std::unique_ptr<LooseStream> stream(new LooseStream(std::move(fd), file));
  stream->read_head();
  return stream;
}

LooseStream::LooseStream(base::Fd fd, std::filesystem::path file)
    : file_(std::move(file)), source_(std::move(fd), file_), buffer_(32 * 1024, '\0') {}

void LooseStream::damaged(std::string_view why) const {
  throw Error(ErrorCode::corrupt, "the object file " + quote(file_.native()) + " is damaged").because(std::string(why));
}

/// At least one byte, or nothing at the end of the stream.
std::size_t LooseStream::inflate(std::span<std::byte> room) {
  while (!done_) {
    // Of what it was given before, the inflater may still have something to say.
    bool fed = !input_.empty();
    if (!fed) {
      const std::size_t got = source_.read(std::as_writable_bytes(std::span(buffer_)));
      fed = got > 0;
      input_ = base::bytes_of(std::string_view(buffer_).substr(0, got));
    }
    Inflater::Step step;
    try {
      step = inflater_.step(input_, room);
    } catch (const Error& error) {
      damaged(error.message());
    }
    input_ = input_.subspan(step.consumed);
    done_ = step.done;
    if (step.produced > 0) return step.produced;
    if (step.consumed == 0 && !done_) damaged(fed ? "it cannot be inflated" : "it is cut short");
  }
  return 0;
}

void LooseStream::read_head() {
  struct stat status {};
  if (::fstat(source_.fd(), &status) != 0) base::throw_errno(errno, "read", file_);
  if (!S_ISREG(status.st_mode)) damaged("it is no regular file");
  std::array<std::byte, 256> start{};
  std::size_t got = 0;
  std::size_t end = std::string_view::npos;
  while (end == std::string_view::npos) {
    const std::size_t more = inflate(std::span(start).subspan(got));
    got += more;
    end = base::text_of(base::ConstBytes(start).first(got)).find('\0');
    if (end == std::string_view::npos && (more == 0 || got >= longest_head)) damaged("it has no head");
  }
  const std::string_view text = base::text_of(base::ConstBytes(start).first(got));
  const std::optional<ObjectHeader> header = parse_head(text.substr(0, end));
  if (!header || end > longest_head) damaged("it has no head");
  header_ = *header;
  ahead_ = text.substr(end + 1);
  if (ahead_.size() > header_.size) damaged("it is longer than it claims");
  if (header_.size / max_inflate_ratio > static_cast<std::uint64_t>(status.st_size))
    damaged("it claims an impossible size");
  rest_ = header_.size - ahead_.size();
}

std::size_t LooseStream::read(std::span<std::byte> buffer) {
  if (!ahead_.empty()) {
    const std::size_t count = std::min(buffer.size(), ahead_.size());
    std::memcpy(buffer.data(), ahead_.data(), count);
    ahead_.erase(0, count);
    return count;
  }
  if (rest_ > 0) {
    const std::size_t got =
        inflate(buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), rest_))));
    if (got == 0 && !buffer.empty()) damaged("it is shorter than it claims");
    rest_ -= got;
    return got;
  }
  std::byte probe{};
  if (inflate(std::span(&probe, 1)) > 0) damaged("it is longer than it claims");
  if (!input_.empty() || source_.read(std::span(&probe, 1)) > 0) damaged("something follows its content");
  return 0;
}

}  // namespace pod::git
