//   "podcapt\n"  u32 1                       then numbers as this machine has them in memory
//   text maker                               u16 length, bytes
//   u64 device, u64 inode                    of the folder that it lies in: a copy of a store begins anew
//   u32 count, and for each, the oldest first:
//     key, id, u32 mode, id of the model, u64 size, u64 resources, digest, u8 verdict
//   id                                       the SHA-1 of all before
#include "flow/capture_memory.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <unordered_set>

namespace pod::flow {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "podcapt\n";
constexpr std::uint32_t format = 1;
constexpr std::size_t entry_size = 32 + Oid::size + 4 + Oid::size + 8 + 8 + 32 + 1;
constexpr std::uint64_t size_limit = 1024 + CaptureMemory::most * entry_size;

template <typename Number>
void append(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <std::size_t Size>
void append(std::string& out, const std::array<std::uint8_t, Size>& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), Size);
}

/// Reads what append() wrote; the caller knows that it is there.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}
  template <typename Number>
  void take(Number& value) {
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
  }
  Oid id() {
    std::array<std::uint8_t, Oid::size> raw{};
    take(raw);
    return Oid(raw);
  }

 private:
  std::string_view rest_;
};

void append_entry(std::string& out, const KnownCapture& entry) {
  append(out, entry.key);
  append(out, entry.id.bytes());
  append(out, static_cast<std::uint32_t>(entry.mode));
  append(out, entry.model.bytes());
  append(out, entry.size);
  append(out, entry.resources);
  append(out, entry.digest);
  append(out, static_cast<std::uint8_t>(entry.verdict));
}

/// nullopt for what append_entry() does not write.
std::optional<KnownCapture> read_entry(std::string_view bytes) {
  Cursor in(bytes);
  KnownCapture entry;
  std::uint32_t mode = 0;
  std::uint8_t verdict = 0;
  in.take(entry.key);
  entry.id = in.id();
  in.take(mode);
  entry.model = in.id();
  in.take(entry.size);
  in.take(entry.resources);
  in.take(entry.digest);
  in.take(verdict);
  if (entry.id.is_zero() || entry.model.is_zero() || verdict > static_cast<std::uint8_t>(Verdict::refuse) ||
      (mode != 0100644 && mode != 040000))
    return std::nullopt;
  entry.mode = mode;
  entry.verdict = static_cast<Verdict>(verdict);
  return entry;
}

std::string checksum(std::string_view bytes) {
  std::string out;
  append(out, digest::Sha1().update(bytes).finish().bytes());
  return out;
}

std::string head_of(const fs::path& folder, std::string_view maker) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) status = {};
  std::string out(magic);
  append(out, format);
  append(out, static_cast<std::uint16_t>(maker.size()));
  out += maker;
  append(out, static_cast<std::uint64_t>(status.st_dev));
  append(out, static_cast<std::uint64_t>(status.st_ino));
  return out;
}

}  // namespace

CaptureKey capture_key(const StatePath& path, std::string_view sha256) {
  return digest::Sha256().update(path.str()).update("\n").update(sha256).finish();
}

std::size_t CaptureMemory::KeyHash::operator()(const CaptureKey& key) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, key.data(), sizeof hash);
  return hash;
}

CaptureMemory::CaptureMemory(fs::path folder, std::string maker)
    : file_(folder / "captures"), head_(head_of(folder, maker)) {
  try {
    load();
  } catch (const std::exception&) {
    known_.clear();  // then every file is read
  }
  for (std::size_t at = 0; at < known_.size(); ++at) by_key_[known_[at].key] = at;
}

void CaptureMemory::load() {
  const auto bytes = base::read_file(file_, size_limit);
  const std::size_t least = head_.size() + sizeof(std::uint32_t) + Oid::size;
  if (!bytes || bytes->size() < least || !bytes->starts_with(head_)) return;
  const std::string_view body = std::string_view(*bytes).substr(0, bytes->size() - Oid::size);
  if (bytes->substr(body.size()) != checksum(body)) return;
  std::uint32_t count = 0;
  Cursor(body.substr(head_.size())).take(count);
  std::string_view entries = body.substr(head_.size() + sizeof count);
  if (entries.size() != count * entry_size) return;
  known_.reserve(count);
  for (; !entries.empty(); entries.remove_prefix(entry_size)) {
    const auto entry = read_entry(entries.substr(0, entry_size));
    if (!entry) return known_.clear();
    known_.push_back(*entry);
  }
}

const KnownCapture* CaptureMemory::find(const CaptureKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &known_[found->second];
}

std::string CaptureMemory::digest_of(const Oid& id) const {
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const KnownCapture& entry) { return entry.id == id; });
  return found == known_.end() ? std::string() : digest::hex(found->digest);
}

bool CaptureMemory::made(const Oid& id, const Oid& model) const {
  return std::any_of(known_.begin(), known_.end(),
                     [&](const KnownCapture& entry) { return entry.id == id && entry.model == model; });
}

void CaptureMemory::save(const std::vector<KnownCapture>& newer) const noexcept {
  if (newer.empty()) return;
  try {
    std::unordered_set<CaptureKey, KeyHash> replaced;
    for (const KnownCapture& entry : newer) replaced.insert(entry.key);
    std::vector<const KnownCapture*> entries;
    for (const KnownCapture& entry : known_)
      if (!replaced.contains(entry.key)) entries.push_back(&entry);
    for (const KnownCapture& entry : newer) entries.push_back(&entry);
    const std::size_t first = entries.size() > most ? entries.size() - most : 0;
    std::string bytes = head_;
    append(bytes, static_cast<std::uint32_t>(entries.size() - first));
    for (std::size_t at = first; at < entries.size(); ++at) append_entry(bytes, *entries[at]);
    bytes += checksum(bytes);
    // Not synced: one that a power failure cut has a wrong checksum.
    const base::TempFolder work(file_.parent_path() / "tmp");
    const base::Fd fd = base::open_file(work.path() / "captures", O_WRONLY | O_CREAT | O_EXCL, 0600);
    base::write_all(fd.get(), base::bytes_of(bytes), file_);
    fs::rename(work.path() / "captures", file_);
  } catch (const std::exception&) {
    // The next capture reads again.
  }
}

}  // namespace pod::flow
