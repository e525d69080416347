#include "store/numbers.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "podnums\n";
constexpr std::uint32_t format = 1;
constexpr std::size_t head_size = magic.size() + 2 * sizeof(std::uint32_t);
constexpr std::size_t entry_size = sizeof(std::int64_t) + Oid::size;
constexpr std::uint64_t size_limit = 256u << 20;

template <typename Number>
void append(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void append(std::string& out, const Oid& id) {
  out.append(reinterpret_cast<const char*>(id.bytes().data()), Oid::size);
}

template <typename Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
Oid id_at(std::string_view bytes, std::size_t at) {
  std::array<std::uint8_t, Oid::size> raw{};
  std::memcpy(raw.data(), bytes.data() + at, Oid::size);
  return Oid(raw);
}

Oid checksum(std::string_view bytes) { return digest::Sha1().update(bytes).finish(); }

}  // namespace

std::string encode_numbers(const std::vector<NumberedCommit>& commits) {
  std::string out(magic);
  append(out, format);
  append(out, static_cast<std::uint32_t>(commits.size()));
  for (const NumberedCommit& commit : commits) {
    append(out, commit.number);
    append(out, commit.commit);
  }
  append(out, checksum(out));
  return out;
}

std::optional<std::vector<NumberedCommit>> decode_numbers(std::string_view bytes) {
  if (bytes.size() < head_size + Oid::size || !bytes.starts_with(magic)) return std::nullopt;
  if (number_at<std::uint32_t>(bytes, magic.size()) != format) return std::nullopt;
  const std::size_t count = number_at<std::uint32_t>(bytes, magic.size() + sizeof format);
  const std::size_t body = bytes.size() - Oid::size;
  if (body - head_size != count * entry_size) return std::nullopt;
  if (id_at(bytes, body) != checksum(bytes.substr(0, body))) return std::nullopt;
  std::vector<NumberedCommit> commits;
  commits.reserve(count);
  for (std::size_t at = head_size; at < body; at += entry_size) {
    const auto number = number_at<std::int64_t>(bytes, at);
    if (number <= (commits.empty() ? 0 : commits.back().number)) return std::nullopt;
    commits.push_back({number, id_at(bytes, at + sizeof number)});
  }
  return commits;
}

NumberIndex::NumberIndex(const fs::path& store, std::string_view ref)
    : sidecars_(store / "pod" / "numbers"), file_(sidecars_ / digest::hex(digest::sha256(ref)).substr(0, 32)) {
  try {
    if (const auto bytes = base::read_file(file_, size_limit))
      if (auto commits = decode_numbers(*bytes)) commits_ = *std::move(commits);
  } catch (const std::exception&) {
    // Then the history is walked.
  }
}

std::size_t NumberIndex::up_to(const NumberedCommit& commit) const {
  const auto place =
      std::lower_bound(commits_.begin(), commits_.end(), commit.number,
                       [](const NumberedCommit& entry, std::int64_t number) { return entry.number < number; });
  if (place == commits_.end() || *place != commit) return 0;
  return static_cast<std::size_t>(place - commits_.begin()) + 1;
}

void NumberIndex::extend(std::size_t kept, const std::vector<NumberedCommit>& newer) {
  commits_.resize(kept);
  commits_.insert(commits_.end(), newer.rbegin(), newer.rend());
}

void NumberIndex::save() const noexcept {
  try {
    const std::string bytes = encode_numbers(commits_);
    // What could not be read back is not written: numbers that do not rise are another program's.
    if (bytes.size() > size_limit || !decode_numbers(bytes)) return;
    if (::mkdir(sidecars_.c_str(), 0700) != 0 && errno != EEXIST) return;
    // Not synced: one that a power failure cut has a wrong checksum.
    const base::TempFolder work(sidecars_.parent_path() / "tmp");
    const base::Fd fd = base::open_file(work.path() / "numbers", O_WRONLY | O_CREAT | O_EXCL, 0600);
    base::write_all(fd.get(), base::bytes_of(bytes), file_);
    fs::rename(work.path() / "numbers", file_);
  } catch (const std::exception&) {
    // The next one walks again.
  }
}

}  // namespace pod::store
