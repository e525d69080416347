// What the sources of the engine share.
#pragma once

#include "store/engine.hpp"
#include "store/journal.hpp"

#include "base/files.hpp"

namespace pod::store {

/// user@host of this process, by the system's own word: the library reads no environment.
std::string who_runs();
/// The ref that keeps the safety version of the instance at `url`.
std::string undo_ref(const std::string& url);

/// The flock of the writer, without any repair; errors as Engine::lock.
struct TakenLock {
  TakenLock(base::Fd taken, bool died) : fd(std::move(taken)), previous_writer_died(died) {}
  TakenLock(TakenLock&&) noexcept = default;
  ~TakenLock();  // says that this writer ended in order
  base::Fd fd;
  bool previous_writer_died;
};
TakenLock take_writer_lock(const std::filesystem::path& store, const StoreOptions& options,
                           std::chrono::milliseconds wait, const Context& context);

struct Engine::Impl {
  Impl(git::Repository opened, StoreOptions wanted)
      : repository(std::move(opened)), options(wanted), journal(repository.path() / "pod" / "journal") {}

  git::Repository repository;
  StoreOptions options;
  Journal journal;

  std::filesystem::path own(const char* name) const { return repository.path() / "pod" / name; }
  std::optional<Oid> find_or_none(const std::string& ref) const { return repository.find_ref(ref); }

  /// Keeps `commit` alive for undo under the operation's id.
  void keep(std::int64_t id, const Oid& commit);
  void forget(std::int64_t id);
  std::optional<Oid> kept_commit(std::int64_t id) const;
  /// Above every id that a journal ref uses, for a journal that lost its end.
  std::int64_t least_id() const;
  /// HEAD names a pod that is there, if there is one: the one it names, else `pod`, else the first by name.
  void settle_head(const std::string& branch);

  /// WriterLock as Engine::lock() gives it, within `wait`.
  WriterLock lock(const Context& context, std::chrono::milliseconds wait);
  /// nullopt where `whole` and somebody holds objects. Throws what lock() does.
  std::optional<ObjectHold> hold(bool whole, const Context& context) const;
  std::uint64_t removals() const;
  /// Durably, before the first object goes.
  void count_removal();

  // Under the writer lock, before anything is changed.
  void repair(bool previous_writer_died, const Context& context);
  void restore_broken_refs(const Context& context);
  void settle_open_operation();

  /// After a change: where packs have become many they are joined. Never throws: the change is done.
  void keep_packs_few(const Context& context) noexcept;
};

struct WriterLock::Impl {
  explicit Impl(TakenLock lock) : taken(std::move(lock)) {}
  TakenLock taken;
};

}  // namespace pod::store
