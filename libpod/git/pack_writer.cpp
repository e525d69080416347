#include "git/pack_writer.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "git/deflate.hpp"
#include "git/loose.hpp"
#include "git/pack_index.hpp"
#include "git/pack_output.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t large_blob = 1 << 20;
constexpr std::size_t batch_size = 256 * 1024;   // small objects travel between the threads together
constexpr std::size_t queue_limit = 32u << 20;   // content and compressed bytes under way
constexpr std::size_t piece_size = 256 * 1024;   // of a large blob
constexpr std::uint64_t early_write = 8u << 20;  // the disk starts on what is there while we go on

Oid object_id(digest::Sha1& sha, ObjectType type, std::string_view content) {
  sha.reset();
  sha.update(object_head(type, content.size()));
  return sha.update(content).finish();
}

/// Objects on their way to the pack, in the order they were added.
struct Batch {
  struct Item {
    ObjectType type = ObjectType::blob;
    std::optional<Oid> id;  // none: not hashed yet
    std::size_t size = 0;
  };
  std::uint64_t number = 0;
  std::vector<Item> items;
  std::string content;
  // Made by compress():
  std::string packed;
  std::vector<IndexEntry> entries;  // offsets from the start of `packed`
  std::vector<Oid> late_ids;        // of the items that had none

  /// `is_needed` says of an id found here whether the object is to be written.
  template <typename IsNeeded>
  void compress(Deflater& deflater, digest::Sha1& sha, const IsNeeded& is_needed) {
    std::size_t at = 0;
    for (const Item& item : items) {
      const std::string_view bytes = std::string_view(content).substr(at, item.size);
      at += item.size;
      const Oid id = item.id ? *item.id : object_id(sha, item.type, bytes);
      if (!item.id) {
        late_ids.push_back(id);
        if (!is_needed(id)) continue;
      }
      const std::size_t start = packed.size();
      append_entry_head(packed, static_cast<unsigned>(item.type), item.size);
      deflater.whole(base::bytes_of(bytes), packed);
      entries.push_back({id, crc32_of(0, base::bytes_of(std::string_view(packed).substr(start))), start});
    }
  }
};

}  // namespace

struct PackWriter::Impl {
  Impl(std::shared_ptr<ObjectDatabase> database, const fs::path& objects, const Context& given)
      : existing(std::move(database)), folder(objects / "pack"), context(given) {
    if (existing) existing->refresh();
    if (::mkdir(folder.c_str(), 0700) == 0)
      base::sync_folder(objects);
    else if (errno != EEXIST)
      base::throw_errno(errno, "create the folder", folder);
  }

  ~Impl() { stop_workers(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::shared_ptr<ObjectDatabase> existing;
  fs::path folder;
  Context context;
  std::unique_ptr<TemporaryFile> pack;
  std::mutex added_mutex;
  std::unordered_set<Oid> added;
  digest::Sha1 sha;
  bool finished = false;
  PackResult result;

  std::unique_ptr<Batch> open_batch;
  std::uint64_t batches = 0;

  std::mutex mutex;  // of everything below, and of `entries` and `position` while workers run
  std::condition_variable wake_workers;
  std::condition_variable wake_caller;
  std::vector<std::thread> workers;
  std::deque<std::unique_ptr<Batch>> waiting;
  std::map<std::uint64_t, std::unique_ptr<Batch>> ready;  // compressed, not yet its turn
  std::uint64_t next_to_write = 0;
  bool writing = false;
  bool stopping = false;
  std::size_t under_way = 0;
  std::exception_ptr failure;
  std::vector<IndexEntry> entries;
  std::vector<Oid> late_ids;
  std::uint64_t late_ones = 0;  // of add_later() whose ids were not taken
  std::uint64_t position = pack_head_size;
  std::uint64_t told_disk = 0;

  /// Whether the object has to be written; true only once for each id. Any thread.
  bool claim(const Oid& id) {
    if (existing && existing->knows(id)) return false;
    const std::lock_guard lock(added_mutex);
    return added.insert(id).second;
  }

  void compress(Batch& batch, Deflater& deflater, digest::Sha1& hash) {
    batch.compress(deflater, hash, [this](const Oid& id) { return claim(id); });
  }

  void open_pack() {
    if (!pack) pack = std::make_unique<TemporaryFile>(folder, "tmp_pack_");
  }

  Oid add(ObjectType type, base::ConstBytes content) {
    check();
    const Oid id = object_id(sha, type, base::text_of(content));
    if (claim(id)) enqueue({type, id, content.size()}, content);
    return id;
  }

  void add_later(ObjectType type, base::ConstBytes content) {
    check();
    ++late_ones;
    enqueue({type, std::nullopt, content.size()}, content);
  }

  void take_ids(std::vector<Oid>& out, bool all) {
    check();
    if (all && late_ones > 0) settle();
    const std::lock_guard lock(mutex);
    out.insert(out.end(), late_ids.begin(), late_ids.end());
    late_ones -= late_ids.size();
    late_ids.clear();
  }

  void enqueue(const Batch::Item& item, base::ConstBytes content) {
    if (!open_batch) {
      open_batch = std::make_unique<Batch>();
      open_batch->number = batches++;
    }
    open_batch->items.push_back(item);
    open_batch->content += base::text_of(content);
    if (open_batch->content.size() >= batch_size || open_batch->items.size() >= 1024) submit();
  }

  void check() {
    if (finished) throw Error(ErrorCode::internal, "the pack writer was used after it finished");
    context.cancel->check();
    const std::lock_guard lock(mutex);
    rethrow_failure();
  }

  /// Once a write failed nothing more is tried on this file.
  void rethrow_failure() {
    if (failure) std::rethrow_exception(failure);
  }

  void submit() {
    open_pack();
    std::unique_ptr<Batch> batch = std::move(open_batch);
    const std::size_t size = batch->content.size();
    std::unique_lock lock(mutex);
    wake_caller.wait(lock, [&] { return failure || under_way == 0 || under_way + size <= queue_limit; });
    rethrow_failure();
    under_way += size;
    waiting.push_back(std::move(batch));
    // As many threads as there is work for, up to one a core.
    const std::size_t most = std::max(1u, std::thread::hardware_concurrency());
    if (workers.size() < most) {
      try {
        workers.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        if (workers.empty()) throw Error(ErrorCode::io, "cannot start a thread to compress objects");
      }
    }
    lock.unlock();
    wake_workers.notify_one();
  }

  void work() {
    std::unique_lock lock(mutex);
    try {
      Deflater deflater;
      digest::Sha1 hash;
      for (;;) {
        wake_workers.wait(lock, [&] { return stopping || !waiting.empty(); });
        if (stopping) return;
        std::unique_ptr<Batch> batch = std::move(waiting.front());
        waiting.pop_front();
        lock.unlock();
        compress(*batch, deflater, hash);
        lock.lock();
        ready.emplace(batch->number, std::move(batch));
        write_ready(lock);
      }
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      if (!failure) failure = std::current_exception();
      stopping = true;
      writing = false;
      lock.unlock();
      wake_workers.notify_all();
      wake_caller.notify_all();
    }
  }

  /// Whoever finishes the batch whose turn it is writes it, and those that waited for it.
  void write_ready(std::unique_lock<std::mutex>& lock) {
    while (!writing && !stopping && !ready.empty() && ready.begin()->first == next_to_write) {
      const std::unique_ptr<Batch> batch = std::move(ready.begin()->second);
      ready.erase(ready.begin());
      writing = true;
      const std::uint64_t at = position;
      lock.unlock();
      write_at(pack->fd(), batch->packed, at, pack->path());
      lock.lock();
      writing = false;
      ++next_to_write;
      for (IndexEntry entry : batch->entries) {
        entry.offset += at;
        entries.push_back(entry);
      }
      late_ids.insert(late_ids.end(), batch->late_ids.begin(), batch->late_ids.end());
      position = at + batch->packed.size();
      under_way -= batch->content.size();
      start_disk();
      wake_caller.notify_all();
    }
  }

  /// Advice only: the fsync at the end has less left to do.
  void start_disk() {
    if (position - told_disk < early_write) return;
    static_cast<void>(::sync_file_range(pack->fd(), static_cast<off_t>(told_disk),
                                        static_cast<off_t>(position - told_disk), SYNC_FILE_RANGE_WRITE));
    told_disk = position;
  }

  /// Waits until all that was added lies in the file.
  void settle() {
    if (open_batch) {
      if (workers.empty()) {
        // A small commit needs no threads.
        open_pack();
        Deflater deflater;
        compress(*open_batch, deflater, sha);
        std::unique_lock lock(mutex);
        under_way += open_batch->content.size();
        const std::uint64_t number = open_batch->number;
        ready.emplace(number, std::move(open_batch));
        try {
          write_ready(lock);
        } catch (...) {
          if (!lock.owns_lock()) lock.lock();
          failure = std::current_exception();
          throw;
        }
        return;
      }
      submit();
    }
    std::unique_lock lock(mutex);
    wake_caller.wait(lock, [&] { return failure || next_to_write == batches; });
    rethrow_failure();
  }

  void stop_workers() noexcept {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake_workers.notify_all();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
  }

  Oid add_blob(std::uint64_t size, base::ByteSource& source) {
    if (size >= large_blob) return add_large(size, source);
    std::string content(static_cast<std::size_t>(size), '\0');
    const std::size_t got = base::read_fully(source, std::as_writable_bytes(std::span(content)));
    check_length(size, got, source);
    return add(ObjectType::blob, base::bytes_of(content));
  }

  static void check_length(std::uint64_t size, std::uint64_t got, base::ByteSource& source) {
    std::byte probe{};
    if (got == size && source.read(std::span(&probe, 1)) == 0) return;
    throw Error(ErrorCode::corrupt,
                "the source of a blob does not have the " + std::to_string(size) + " bytes it should have")
        .hint("something changed it while it was read: run the command again");
  }

  /// Hashed while it is deflated straight to the end of the pack; cut off again where it turns out to be known.
  Oid add_large(std::uint64_t size, base::ByteSource& source) {
    check();
    settle();
    open_pack();
    LargeBlob blob(*this, position, size);
    sha.reset();
    sha.update(object_head(ObjectType::blob, size));
    std::uint64_t rest = size;
    while (rest > 0) {
      context.cancel->check();
      std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(rest, piece_size)), '\0');
      const std::size_t got = base::read_fully(source, std::as_writable_bytes(std::span(piece)));
      if (got < piece.size()) check_length(size, size - rest + got, source);
      rest -= got;
      // The writing thread deflates this piece while this one is hashed and the next one read.
      auto shared = std::make_shared<const std::string>(std::move(piece));
      blob.push(shared, rest == 0);
      sha.update(*shared);
    }
    check_length(size, size, source);
    IndexEntry entry = blob.finish();
    entry.id = sha.finish();
    if (!claim(entry.id)) {
      blob.cut_off();
      return entry.id;
    }
    const std::lock_guard lock(mutex);
    position = blob.end();
    entries.push_back(entry);
    return entry.id;
  }

  /// The thread that deflates and writes one large blob. Cuts the file back unless the blob came to its end.
  class LargeBlob {
   public:
    LargeBlob(Impl& writer, std::uint64_t start, std::uint64_t size) : writer_(writer), start_(start), at_(start) {
      std::string head;
      append_entry_head(head, static_cast<unsigned>(ObjectType::blob), size);
      write(head);
      deflater_.start();
      thread_ = std::thread([this] { run(); });
    }
    LargeBlob(const LargeBlob&) = delete;
    LargeBlob& operator=(const LargeBlob&) = delete;
    ~LargeBlob() {
      stop();
      if (!whole_) static_cast<void>(::ftruncate(writer_.pack->fd(), static_cast<off_t>(start_)));
    }

    void push(std::shared_ptr<const std::string> piece, bool last) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return failure_ || pieces_.size() < 8; });
      if (failure_) fail();
      pieces_.emplace_back(std::move(piece), last);
      lock.unlock();
      changed_.notify_all();
    }

    IndexEntry finish() {
      if (thread_.joinable()) thread_.join();
      if (failure_) fail();
      whole_ = true;
      return {{}, crc_, start_};
    }
    std::uint64_t end() const noexcept { return at_; }
    void cut_off() {
      if (::ftruncate(writer_.pack->fd(), static_cast<off_t>(start_)) != 0)
        base::throw_errno(errno, "write", writer_.pack->path());
    }

   private:
    [[noreturn]] void fail() {
      const std::lock_guard lock(writer_.mutex);
      writer_.failure = failure_;
      std::rethrow_exception(failure_);
    }
    void stop() noexcept {
      {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
      }
      changed_.notify_all();
      if (thread_.joinable()) thread_.join();
    }
    void write(std::string_view bytes) {
      crc_ = crc32_of(crc_, base::bytes_of(bytes));
      write_at(writer_.pack->fd(), bytes, at_, writer_.pack->path());
      at_ += bytes.size();
      if (at_ - told_disk_ >= early_write) {
        static_cast<void>(::sync_file_range(writer_.pack->fd(), static_cast<off_t>(at_ - early_write),
                                            static_cast<off_t>(early_write), SYNC_FILE_RANGE_WRITE));
        told_disk_ = at_;
      }
    }
    void run() {
      try {
        std::string out;
        for (bool last = false; !last;) {
          std::pair<std::shared_ptr<const std::string>, bool> piece;
          {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return stopping_ || !pieces_.empty(); });
            if (stopping_) return;
            piece = std::move(pieces_.front());
            pieces_.pop_front();
          }
          changed_.notify_all();
          last = piece.second;
          out.clear();
          deflater_.add(base::bytes_of(*piece.first), last, out);
          write(out);
        }
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
        changed_.notify_all();
      }
    }

    Impl& writer_;
    std::uint64_t start_;
    std::uint64_t at_;
    std::uint64_t told_disk_ = 0;
    std::uint32_t crc_ = 0;
    bool whole_ = false;
    Deflater deflater_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::pair<std::shared_ptr<const std::string>, bool>> pieces_;
    bool stopping_ = false;
    std::exception_ptr failure_;
    std::thread thread_;
  };

  /// The count in the head is known only now, so the trailer's SHA-1 is computed over the finished file.
  Oid hash_pack() {
    digest::Sha1 whole;
    std::string buffer(piece_size, '\0');
    for (std::uint64_t at = 0; at < position;) {
      context.cancel->check();
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), position - at));
      const ssize_t got = ::pread(pack->fd(), buffer.data(), want, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) base::throw_errno(errno, "read", pack->path());
      if (got == 0)
        throw Error(ErrorCode::io, "the pack " + quote(pack->path().native()) + " lost its end while it was written");
      whole.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
      at += static_cast<std::uint64_t>(got);
    }
    return whole.finish();
  }

  PackResult finish() {
    check();
    settle();
    stop_workers();
    finished = true;
    if (entries.empty()) {
      pack.reset();
      return {};
    }
    if (entries.size() > UINT32_MAX)
      throw Error(ErrorCode::refused, "a pack cannot hold more than 4,294,967,295 objects");
    write_at(pack->fd(), pack_head(static_cast<std::uint32_t>(entries.size())), 0, pack->path());
    const Oid checksum = hash_pack();
    const std::string_view trailer(reinterpret_cast<const char*>(checksum.bytes().data()), Oid::size);
    write_at(pack->fd(), trailer, position, pack->path());
    if (::ftruncate(pack->fd(), static_cast<off_t>(position + trailer.size())) != 0)
      base::throw_errno(errno, "write", pack->path());

    TemporaryFile index(folder, "tmp_idx_");
    const std::string index_bytes = encode_index(entries, checksum);
    base::write_all(index.fd(), base::bytes_of(index_bytes), index.path());
    pack->seal();
    index.seal();
    context.cancel->check();

    result.objects = entries.size();
    result.bytes = position + trailer.size() + index_bytes.size();
    result.pack = folder / ("pack-" + checksum.hex() + ".pack");
    publish(index, *result.pack);
    return result;
  }

  /// The pack gets its name before the index: readers go by indexes. Where the same pack is there already (somebody
  /// wrote the same objects at the same time), ours takes its place, and is left there whatever happens.
  void publish(TemporaryFile& index, const fs::path& pack_path) {
    const fs::path index_path = fs::path(pack_path).replace_extension(".idx");
    const bool was_there = ::access(pack_path.c_str(), F_OK) == 0;
    try {
      pack->rename_to(pack_path);
      index.rename_to(index_path);
      base::sync_folder(folder);
    } catch (...) {
      if (!was_there) {
        ::unlink(index_path.c_str());
        ::unlink(pack_path.c_str());
      }
      throw;
    }
  }
};

PackWriter::PackWriter(std::shared_ptr<ObjectDatabase> existing, const fs::path& objects, const Context& context)
    : impl_(std::make_unique<Impl>(std::move(existing), objects, context)) {}
PackWriter::~PackWriter() = default;
Oid PackWriter::add(ObjectType type, base::ConstBytes content) { return impl_->add(type, content); }
Oid PackWriter::add_blob(std::uint64_t size, base::ByteSource& source) { return impl_->add_blob(size, source); }
void PackWriter::add_later(ObjectType type, base::ConstBytes content) { impl_->add_later(type, content); }
void PackWriter::take_ids(std::vector<Oid>& out, bool all) { impl_->take_ids(out, all); }
PackResult PackWriter::finish() { return impl_->finish(); }
const PackResult& PackWriter::result() const noexcept { return impl_->result; }

}  // namespace pod::git
