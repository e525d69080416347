// What was done to the store, so that it can be undone and repaired.
//
// One record a line, canonical JSON, appended and synced. `check` is the SHA-256 of the record without it, `prev` the
// check of the record before (64 zeros for the first), so that a line that was changed, lost or put in is noticed.
//
//   {"after":"<oid>","before":"<oid>","check":…,"id":1,"instance":"","kind":"operation","offset":0,"prev":…,"ref":"refs/heads/shop",
//    "time":0,"undoes":0,"verb":"commit","what":"shop:1","who":"ada@host"}
//   {"check":…,"id":1,"kind":"dropped","prev":…}
//
// `"captured":true` stands in the record of a commit of what an instance held, and in no other.
//
// An operation is announced before its ref moves. It is done when the ref is `after`; it did not happen where a
// "dropped" record follows. One of verb "note" has the same id as `before` and `after`: it moved nothing, a repair
// found the ref there. Only the last operation can be open, since the next writer settles it first.
#pragma once

#include <libpod/store.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pod::store {

/// Changes need the writer lock. One thread at a time.
class Journal {
 public:
  explicit Journal(std::filesystem::path file) : file_(std::move(file)) {}

  struct Tail {
    std::string check;              // of the last whole record, zeros where there is none
    std::int64_t id = 0;            // of the last operation
    std::optional<Operation> open;  // the last record, where it is an operation
    std::uint64_t end = 0;          // behind the last whole record
    std::uint64_t size = 0;         // of the file
  };
  /// Cost: the last 128 KiB, unless those are damaged.
  Tail tail() const;

  /// Every operation that was not dropped, oldest first. Error(corrupt) where the chain is broken before `tail().end`.
  std::vector<Operation> read() const;
  /// The same, of the records that can be read, whatever lies between them.
  std::vector<Operation> readable() const;
  /// What is wrong, one line each; empty for a sound journal.
  std::vector<std::string> problems() const;
  /// Where the ref was put last, as far as records can be read. Zero: it was deleted.
  std::optional<Oid> last_value(const std::string& ref) const;

  /// Moves what lies behind the last whole record into a file of its own beside the journal; whether there was
  /// something.
  bool trim();
  /// Appends the operation with the next id (from `least_id`), durably; returns the id.
  std::int64_t announce(const Operation& operation, std::int64_t least_id);
  void drop(std::int64_t id);
  /// Says where a ref stands, without moving it: where the journal missed a move. Durable.
  void note(const std::string& ref, const Oid& value, std::string what, const Operation& by, std::int64_t least_id);
  /// A damaged journal is copied into `aside`, durably, and written anew with the records that can be read, chained one
  /// to the next. How many lines are left out; 0 where it was sound and nothing was done.
  std::size_t mend(const std::filesystem::path& aside);

 private:
  struct Record;
  struct Reading;
  static std::optional<Record> parse(std::string_view line);
  Reading scan() const;
  void append(std::string body);

  std::filesystem::path file_;
};

}  // namespace pod::store
