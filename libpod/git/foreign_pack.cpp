// Two passes. The first goes from front to back: it finds where entries end (only inflating them tells), and hands what
// it inflated to others who hash and check. The second makes the objects of deltas: from every whole object that is a
// base down its tree of deltas, so that each is made once.
#include "git/foreign_pack.hpp"

#include "digest/digest.hpp"
#include "git/deflate.hpp"
#include "git/delta.hpp"
#include "git/foreign_deltas.hpp"
#include "git/inflate.hpp"
#include "git/loose.hpp"
#include "git/pack_index.hpp"
#include "git/pack_scan.hpp"

#include <libpod/error.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace pod::git {
namespace {

constexpr std::size_t head_size = 12;
constexpr std::size_t window_size = 1 << 20;
constexpr std::size_t longest_head = 48;                     // of an entry
constexpr std::uint64_t small_object = 1 << 20;              // larger blobs are hashed as they are inflated
constexpr std::size_t batch_size = 256 * std::size_t{1024};  // small objects travel together
constexpr std::size_t most_waiting = 32;                     // batches

[[noreturn]] void damaged(const std::string& why) { throw Error(ErrorCode::corrupt, why); }
[[noreturn]] void too_much(const std::string& why) { throw Error(ErrorCode::refused, why); }

/// The pack's bytes from front to back; SHA-1 of all, CRC-32 of the entry.
class Input {
 public:
  Input(const OpenPack& pack, const Context& context) : pack_(pack), context_(context), buffer_(window_size, '\0') {}

  std::uint64_t position() const noexcept { return read_ - window_.size(); }
  bool at_end() const noexcept { return position() == pack_.end; }
  /// What is there without reading; at least `least` bytes where the pack has as many.
  std::string_view window(std::size_t least = 1) {
    if (window_.size() < least && read_ < pack_.end) fill();
    return window_;
  }
  void take(std::size_t count) {
    const std::string_view taken = window_.substr(0, count);
    sha_.update(taken);
    crc_ = crc32_of(crc_, base::bytes_of(taken));
    window_.remove_prefix(count);
  }
  void start_entry() noexcept { crc_ = 0; }
  std::uint32_t crc() const noexcept { return crc_; }

  /// After all entries: whether the trailer is their SHA-1.
  Oid checksum() {
    std::array<std::uint8_t, Oid::size> trailer{};
    ssize_t got = 0;
    do got = ::pread(pack_.fd.get(), trailer.data(), trailer.size(), static_cast<off_t>(pack_.end));
    while (got < 0 && errno == EINTR);
    if (got < 0) base::throw_errno(errno, "read", pack_.path);
    if (got != static_cast<ssize_t>(trailer.size()) || sha_.finish() != Oid(trailer))
      damaged("its trailer is not the checksum of its bytes");
    return Oid(trailer);
  }

 private:
  void fill() {
    context_.cancel->check();
    std::copy(window_.begin(), window_.end(), buffer_.begin());
    const std::size_t kept = window_.size();
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - kept, pack_.end - read_));
    ssize_t got = 0;
    do got = ::pread(pack_.fd.get(), buffer_.data() + kept, want, static_cast<off_t>(read_));
    while (got < 0 && errno == EINTR);
    if (got < 0) base::throw_errno(errno, "read", pack_.path);
    if (got == 0) damaged("it became shorter while it was read");
    read_ += static_cast<std::uint64_t>(got);
    context_.progress->advance(static_cast<std::uint64_t>(got));
    window_ = std::string_view(buffer_).substr(0, kept + static_cast<std::size_t>(got));
  }

  const OpenPack& pack_;
  const Context& context_;
  std::string buffer_;
  std::string_view window_;
  std::uint64_t read_ = 0;
  std::uint32_t crc_ = 0;
  digest::Sha1 sha_;
};

/// Small whole objects on their way to whoever hashes and checks them.
struct Batch {
  struct Item {
    std::uint32_t entry = 0;
    std::uint64_t offset = 0;
    ObjectType type = ObjectType::blob;
    std::size_t size = 0;
  };
  std::vector<Item> items;
  std::string content;
};

class Checkers {
 public:
  using Ids = std::vector<std::pair<std::uint32_t, Oid>>;

  Checkers() {
    const unsigned count = std::max(2u, std::thread::hardware_concurrency()) - 1;
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  Checkers(const Checkers&) = delete;
  Checkers& operator=(const Checkers&) = delete;
  ~Checkers() { stop(); }

  void add(Batch batch) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return waiting_.size() < most_waiting || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    waiting_.push_back(std::move(batch));
    work_.notify_one();
  }
  /// Waits for all of them; throws what was found first.
  Ids finish() {
    stop();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(ids_);
  }

 private:
  void work() {
    try {
      digest::Sha1Checked sha;
      for (;;) {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
        if (waiting_.empty() || failure_) return;
        const Batch batch = std::move(waiting_.front());
        waiting_.pop_front();
        room_.notify_one();
        lock.unlock();
        const Ids ids = check(sha, batch);
        lock.lock();
        ids_.insert(ids_.end(), ids.begin(), ids.end());
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      room_.notify_all();
    }
  }
  static Ids check(digest::Sha1Checked& sha, const Batch& batch) {
    Ids ids;
    std::string_view rest = batch.content;
    for (const Batch::Item& item : batch.items) {
      try {
        ids.emplace_back(item.entry, identify(sha, item.type, rest.substr(0, item.size)));
      } catch (Error& error) {
        rethrow_for(error, item.offset);
      }
      rest.remove_prefix(item.size);
    }
    return ids;
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::deque<Batch> waiting_;
  Ids ids_;
  bool stopping_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

/// The first pass.
class Scan {
 public:
  Scan(const OpenPack& pack, const ForeignLimits& limits, const Context& context)
      : pack_(pack), limits_(limits), input_(pack, context) {
    const std::uint64_t bytes = pack.end + Oid::size;
    budget_ = limits.inflated + bytes * std::min<std::uint64_t>(limits.inflated_for_each_byte, max_inflate_ratio);
  }

  Oid run() {
    const auto count = entry_count(pack_);
    if (!count) damaged("it does not begin as a pack of version 2");
    if (*count == 0) damaged("it says that it is empty");
    if (*count > limits_.objects)
      too_much("it says that it has " + std::to_string(*count) + " objects, and " + std::to_string(limits_.objects) +
               " are allowed");
    // The least entry has a byte of head and eight of a stream.
    if (pack_.end / 9 < *count) damaged("it is too short for the number of its entries");
    static_cast<void>(input_.window(head_size));
    input_.take(head_size);
    entries.reserve(*count);
    for (std::uint32_t i = 0; i < *count; ++i) {
      const std::uint64_t offset = input_.position();
      try {
        read(offset);
      } catch (Error& error) {
        if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::refused) throw;
        rethrow_for(error, offset);
      }
    }
    if (!input_.at_end()) damaged("there is something behind its last entry");
    send();
    for (const auto& [entry, id] : checkers_.finish()) {
      entries[entry].id = id;
      entries[entry].known = true;
    }
    return input_.checksum();
  }

  std::vector<ForeignEntry> entries;
  std::vector<Oid> base_ids;

 private:
  void read(std::uint64_t offset) {
    input_.start_entry();
    ForeignEntry found;
    found.offset = offset;
    if (input_.window(longest_head).empty()) damaged("the pack ends before it");
    const PackEntry entry = read_entry(pack_, offset);
    found.kind = entry.kind;
    found.type = entry.type;
    input_.take(static_cast<std::size_t>(entry.data - offset));
    const bool whole = entry.kind == EntryKind::whole;
    const std::uint64_t limit = !whole                           ? limits_.made
                                : entry.type == ObjectType::blob ? limits_.blob
                                : entry.type == ObjectType::tree ? limits_.tree
                                                                 : limits_.commit;
    if (entry.size > limit)
      too_much("it has " + std::to_string(entry.size) + " bytes, and " + std::to_string(limit) + " are allowed");
    spend(entry.size);
    if (!whole) {
      read_delta(entry, found);
    } else if (entry.size <= small_object) {
      batch_.items.push_back({number(), offset, entry.type, static_cast<std::size_t>(entry.size)});
      inflate(entry.size, [&](std::string_view piece) { batch_.content += piece; });
      if (batch_.content.size() >= batch_size || batch_.items.size() >= batch_size / 64) send();
    } else if (entry.type == ObjectType::blob) {
      sha_.reset();
      sha_.update(object_head(entry.type, entry.size));
      inflate(entry.size, [&](std::string_view piece) { sha_.update(piece); });
      found.id = sha_.finish();
      found.known = true;
    } else {
      std::string content;
      inflate(entry.size, [&](std::string_view piece) { content += piece; });
      found.id = identify(sha_, entry.type, content);
      found.known = true;
    }
    found.crc = input_.crc();
    entries.push_back(found);
  }

  void read_delta(const PackEntry& entry, ForeignEntry& found) {
    if (entry.kind == EntryKind::id_delta) {
      found.base = static_cast<std::uint32_t>(base_ids.size());
      base_ids.push_back(entry.base_id);
    } else {
      const auto base = std::lower_bound(entries.begin(), entries.end(), entry.base_offset,
                                         [](const ForeignEntry& a, std::uint64_t at) { return a.offset < at; });
      if (base == entries.end() || base->offset != entry.base_offset)
        damaged("where its base should begin nothing does");
      found.base = static_cast<std::uint32_t>(base - entries.begin());
    }
    std::string start;
    inflate(entry.size, [&](std::string_view piece) {
      constexpr std::size_t sizes = 20;
      if (start.size() < sizes) start += piece.substr(0, sizes - start.size());
    });
    std::string_view rest = start;
    const std::uint64_t made = take_delta_sizes(rest).result;
    if (made > limits_.made) too_much("a delta makes an object of " + std::to_string(made) + " bytes");
    spend(made);
  }

  void spend(std::uint64_t bytes) {
    if (bytes > budget_) too_much("the pack holds far more than its size allows");
    budget_ -= bytes;
  }
  std::uint32_t number() const { return static_cast<std::uint32_t>(entries.size()); }
  void send() {
    if (!batch_.items.empty()) checkers_.add(std::move(batch_));
    batch_ = {};
  }

  /// Exactly `size` bytes, and where the stream ends the next entry begins.
  template <class Sink>
  void inflate(std::uint64_t size, const Sink& sink) {
    inflater_.start();
    std::uint64_t rest = size;
    for (;;) {
      const std::string_view in = input_.window();
      // At the end a byte of room shows whether the stream goes on.
      const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(out_.size(), rest + 1));
      const Inflater::Step step = inflater_.step(base::bytes_of(in), std::span(out_).first(room));
      input_.take(step.consumed);
      if (step.produced > rest) damaged("it is longer than it says");
      rest -= step.produced;
      sink(base::text_of(std::span(out_).first(step.produced)));
      if (step.done) break;
      if (step.consumed == 0 && step.produced == 0 && (!in.empty() || input_.at_end())) damaged("it is cut short");
    }
    if (rest > 0) damaged("it is shorter than it says");
  }

  const OpenPack& pack_;
  const ForeignLimits& limits_;
  Input input_;
  std::uint64_t budget_ = 0;
  Inflater inflater_{ZlibEngine::zlib};  // exact about where the stream ends
  std::vector<std::byte> out_ = std::vector<std::byte>(64 * std::size_t{1024});
  digest::Sha1Checked sha_;
  Batch batch_;
  Checkers checkers_;
};

}  // namespace

ForeignPack check_foreign_pack(const std::filesystem::path& file, std::string_view name, const ForeignLimits& limits,
                               const Context& context) {
  try {
    const std::shared_ptr<OpenPack> pack = open_pack(file);
    ForeignPack out;
    Scan scan(*pack, limits, context);
    out.checksum = scan.run();
    const auto is_delta = [](const ForeignEntry& entry) { return entry.kind != EntryKind::whole; };
    if (std::any_of(scan.entries.begin(), scan.entries.end(), is_delta))
      resolve_deltas(pack, scan.entries, scan.base_ids, limits, context);
    out.objects.reserve(scan.entries.size());
    for (const ForeignEntry& entry : scan.entries)
      out.objects.push_back({entry.id, entry.crc, entry.type, entry.offset});
    std::sort(out.objects.begin(), out.objects.end(),
              [](const ForeignObject& a, const ForeignObject& b) { return a.id < b.id; });
    const auto twin = std::adjacent_find(out.objects.begin(), out.objects.end(),
                                         [](const ForeignObject& a, const ForeignObject& b) { return a.id == b.id; });
    if (twin != out.objects.end()) damaged("the object " + twin->id.hex() + " is in it twice");
    return out;
  } catch (Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::refused) throw;
    throw error.within("the pack " + quote(name) + " is not taken").keeping("nothing of it was used");
  }
}

std::string index_of(const ForeignPack& pack) {
  std::vector<IndexEntry> entries;
  entries.reserve(pack.objects.size());
  for (const ForeignObject& object : pack.objects) entries.push_back({object.id, object.crc, object.offset});
  return encode_index(entries, pack.checksum);
}

}  // namespace pod::git
