#include "store/journal.hpp"

#include <libpod/error.hpp>

#include "base/files.hpp"
#include "base/utf8.hpp"
#include "digest/digest.hpp"
#include "json/json.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <set>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t window = 128 * 1024;
constexpr std::size_t line_limit = 32 * 1024;  // at least one whole line in a window
constexpr std::size_t text_limit = 2 * 1024;
constexpr std::uint64_t journal_limit = 1ull << 30;

const std::string no_check(64, '0');

std::string check_of(const json::Value& record) {
  std::string text = json::canonical(record);
  text.pop_back();  // the check is of the record, not of the line
  return digest::hex(digest::sha256(text));
}

/// For people only: cut and escaped, so that a record has a bounded size.
std::string words(std::string_view text) {
  std::string out = printable(text);
  if (out.size() <= text_limit) return out;
  std::size_t end = text_limit;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
  out.resize(end);
  return out;
}

/// Kept to the letter, or refused.
const std::string& exact(const std::string& text, std::string_view what) {
  if (text.size() > text_limit || !base::is_utf8(text))
    throw Error(ErrorCode::invalid_argument,
                "the " + std::string(what) + " " + quote(text) + " cannot be kept in the journal");
  return text;
}

std::string oid_text(const Oid& id) { return id.is_zero() ? std::string() : id.hex(); }
Oid parse_oid(const std::string& text) { return text.empty() ? Oid() : Oid::parse(text); }

std::string read_range(int fd, std::uint64_t from, std::uint64_t to, const fs::path& path) {
  std::string text(static_cast<std::size_t>(to - from), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(from + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) base::throw_errno(errno, "read", path);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return text;
}

/// Empty where there is no journal.
base::Fd open_to_read(const fs::path& file) {
  base::Fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno != ENOENT) base::throw_errno(errno, "read", file);
  return fd;
}

std::uint64_t size_of(int fd, const fs::path& file) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) base::throw_errno(errno, "read", file);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::corrupt, quote(file.native()) + " is not a file");
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

struct Journal::Record {
  std::string check;
  std::string prev;
  bool dropped = false;
  Operation operation;  // of a dropped one the id only
};

/// The whole file, line by line.
struct Journal::Reading {
  std::vector<Record> records;        // those that are whole
  std::vector<std::string> problems;  // before the last whole record
  std::uint64_t end = 0;              // behind the last whole record
  std::uint64_t size = 0;
};

std::optional<Journal::Record> Journal::parse(std::string_view line) {
  if (line.empty() || line.size() > line_limit) return std::nullopt;
  constexpr std::string_view what = "journal";
  try {
    json::Value value = json::parse(line, what, {.bytes = line_limit, .depth = 4, .values = 100});
    Record record;
    record.check = json::string_member(value, "check", what);
    record.prev = json::string_member(value, "prev", what);
    record.operation.id = json::integer_member(value, "id", what);
    const std::string kind = json::string_member(value, "kind", what);
    record.dropped = kind == "dropped";
    if (kind == "operation") {
      Operation& operation = record.operation;
      operation.time.seconds = json::integer_member(value, "time", what);
      operation.time.offset_minutes =
          static_cast<int>(std::clamp<std::int64_t>(json::integer_member(value, "offset", what), -1440, 1440));
      operation.who = json::string_member(value, "who", what);
      operation.verb = json::string_member(value, "verb", what);
      operation.what = json::string_member(value, "what", what);
      operation.ref = json::string_member(value, "ref", what);
      operation.before = parse_oid(json::string_member(value, "before", what));
      operation.after = parse_oid(json::string_member(value, "after", what));
      operation.instance = json::string_member(value, "instance", what);
      operation.undoes = json::integer_member(value, "undoes", what);
      operation.captured = value.contains("captured") && json::bool_member(value, "captured", what);
    } else if (!record.dropped) {
      return std::nullopt;
    }
    value.erase("check");
    if (check_of(value) != record.check || record.operation.id < 1) return std::nullopt;
    return record;
  } catch (const Error&) {
    return std::nullopt;
  }
}

Journal::Reading Journal::scan() const {
  Reading reading;
  const base::Fd fd = open_to_read(file_);
  if (!fd) return reading;
  reading.size = size_of(fd.get(), file_);
  std::string rest;
  std::uint64_t at = 0;  // where `rest` begins
  std::uint64_t line = 0;
  std::string last = no_check;
  std::vector<std::string> pending;  // about lines behind the last whole record
  bool skipping = false;             // within a line that is too long
  const auto take = [&](std::string_view text, std::uint64_t end) {
    ++line;
    auto record = skipping ? std::nullopt : parse(text);
    skipping = false;
    if (!record) {
      pending.push_back("line " + std::to_string(line) + " is damaged");
      return;
    }
    if (record->prev != last)
      pending.push_back("line " + std::to_string(line) + " does not follow from the line before");
    reading.problems.insert(reading.problems.end(), pending.begin(), pending.end());
    pending.clear();
    last = record->check;
    reading.end = end;
    reading.records.push_back(*std::move(record));
  };
  for (std::uint64_t read = 0; read < reading.size;) {
    const std::string piece = read_range(fd.get(), read, std::min(reading.size, read + window), file_);
    if (piece.empty()) break;
    read += piece.size();
    rest += piece;
    std::size_t start = 0;
    for (auto newline = rest.find('\n'); newline != std::string::npos; newline = rest.find('\n', start)) {
      take(std::string_view(rest).substr(start, newline - start), at + newline + 1);
      start = newline + 1;
    }
    at += start;
    rest.erase(0, start);
    if (rest.size() > line_limit) {
      at += rest.size();
      rest.clear();
      skipping = true;
    }
  }
  return reading;
}

Journal::Tail Journal::tail() const {
  Tail tail;
  tail.check = no_check;
  const base::Fd fd = open_to_read(file_);
  if (!fd) return tail;
  tail.size = size_of(fd.get(), file_);
  const std::uint64_t from = tail.size > window ? tail.size - window : 0;
  const std::string text = read_range(fd.get(), from, tail.size, file_);
  // Backwards, line by line; the first one of the window may be cut.
  std::size_t end = text.rfind('\n');
  while (end != std::string::npos && end > 0) {
    const std::size_t before = text.rfind('\n', end - 1);
    if (before == std::string::npos && from != 0) break;
    const std::size_t start = before == std::string::npos ? 0 : before + 1;
    if (auto record = parse(std::string_view(text).substr(start, end - start))) {
      tail.check = record->check;
      tail.id = record->operation.id;
      tail.end = from + end + 1;
      if (!record->dropped) tail.open = std::move(record->operation);
      return tail;
    }
    end = before;
  }
  if (from == 0) return tail;
  const Reading reading = scan();
  tail.end = reading.end;
  if (reading.records.empty()) return tail;
  const Record& last = reading.records.back();
  tail.check = last.check;
  tail.id = last.operation.id;
  if (!last.dropped) tail.open = last.operation;
  return tail;
}

namespace {

template <typename Records>
std::vector<Operation> not_dropped(Records records) {
  std::set<std::int64_t> dropped;
  for (const auto& record : records)
    if (record.dropped) dropped.insert(record.operation.id);
  std::vector<Operation> operations;
  for (auto& record : records)
    if (!record.dropped && !dropped.contains(record.operation.id)) operations.push_back(std::move(record.operation));
  return operations;
}

}  // namespace

std::vector<Operation> Journal::read() const {
  Reading reading = scan();
  if (!reading.problems.empty())
    throw Error(ErrorCode::corrupt, "the journal " + quote(file_.native()) + " is damaged")
        .because(reading.problems.front())
        .hint("podgit fsck --repair makes a journal of what can be read");
  return not_dropped(std::move(reading.records));
}

std::vector<Operation> Journal::readable() const { return not_dropped(scan().records); }

std::vector<std::string> Journal::problems() const {
  Reading reading = scan();
  if (reading.end < reading.size)
    reading.problems.push_back(std::to_string(reading.size - reading.end) + " bytes at the end are no whole record");
  return reading.problems;
}

std::optional<Oid> Journal::last_value(const std::string& ref) const {
  std::optional<Oid> value;
  for (const Operation& operation : readable())
    if (operation.ref == ref) value = operation.after;
  return value;
}

bool Journal::trim() {
  const Tail tail = this->tail();
  if (tail.end == tail.size) return false;
  const base::Fd fd = base::open_file(file_, O_RDWR | O_NOFOLLOW);
  const std::string cut =
      read_range(fd.get(), tail.end, std::min<std::uint64_t>(tail.size, tail.end + (16u << 20)), file_);
  const std::string name = file_.filename().native() + ".cut-" + digest::hex(digest::sha256(cut)).substr(0, 16);
  base::write_file_atomically(file_.parent_path() / name, cut);
  if (::ftruncate(fd.get(), static_cast<off_t>(tail.end)) != 0) base::throw_errno(errno, "write", file_);
  base::sync_file(fd.get(), file_);
  return true;
}

std::int64_t Journal::announce(const Operation& operation, std::int64_t least_id) {
  const Tail tail = this->tail();
  const std::int64_t id = std::max(tail.id + 1, least_id);
  json::Value record = {{"kind", "operation"},
                        {"id", id},
                        {"prev", tail.check},
                        {"time", operation.time.seconds},
                        {"offset", operation.time.offset_minutes},
                        {"who", words(operation.who)},
                        {"verb", words(operation.verb)},
                        {"what", words(operation.what)},
                        {"ref", exact(operation.ref, "ref")},
                        {"before", oid_text(operation.before)},
                        {"after", oid_text(operation.after)},
                        {"instance", exact(operation.instance, "instance")},
                        {"undoes", operation.undoes}};
  if (operation.captured) record["captured"] = true;
  record["check"] = check_of(record);
  append(json::canonical(record));
  return id;
}

void Journal::drop(std::int64_t id) {
  json::Value record = {{"kind", "dropped"}, {"id", id}, {"prev", tail().check}};
  record["check"] = check_of(record);
  append(json::canonical(record));
}

void Journal::note(const std::string& ref, const Oid& value, std::string what, const Operation& by,
                   std::int64_t least_id) {
  Operation operation = by;
  operation.verb = "note";
  operation.what = std::move(what);
  operation.ref = ref;
  operation.before = operation.after = value;
  announce(operation, least_id);
}

std::size_t Journal::mend(const fs::path& aside) {
  const Reading reading = scan();
  if (reading.problems.empty() && reading.end == reading.size) return 0;
  const std::string text = base::read_file(file_, journal_limit).value_or("");
  std::string sound;
  std::string last = no_check;
  std::size_t lost = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    if (!parse(line)) {
      ++lost;
      continue;
    }
    json::Value record = json::parse(line, "journal", {.bytes = line_limit, .depth = 4, .values = 100});
    record.erase("check");
    record["prev"] = last;
    last = check_of(record);
    record["check"] = last;
    sound += json::canonical(record);
  }
  base::write_file_atomically(aside / ("journal-" + digest::hex(digest::sha256(text)).substr(0, 16)), text);
  base::write_file_atomically(file_, sound);
  return std::max<std::size_t>(lost, 1);
}

void Journal::append(std::string line) {
  const bool is_new = !fs::exists(file_);
  const base::Fd fd = base::open_file(file_, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);
  const std::uint64_t size = size_of(fd.get(), file_);
  try {
    base::write_all(fd.get(), base::bytes_of(line), file_);
    base::sync_file(fd.get(), file_);
  } catch (...) {
    // What a full disk let through would stand before the next record.
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
      // The next writer trims it.
    }
    throw;
  }
  if (is_new) base::sync_folder(file_.parent_path());
}

}  // namespace pod::store
