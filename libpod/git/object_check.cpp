#include "git/object_check.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "git/loose.hpp"
#include "git/pack_index.hpp"
#include "git/pack_scan.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t batch_bytes = 4ull << 20;
constexpr std::size_t batch_objects = 2048;

/// An Error in one line; one that says that somebody wants to stop goes on its way.
std::string why_of(const Error& error) {
  if (error.code() == ErrorCode::cancelled) throw error;
  return error.causes().empty() ? error.message() : error.causes().back();
}

/// Calls `work` with each number below `count`, on all cores; the first exception comes out.
void on_all_cores(std::size_t count, const std::function<void(std::size_t, unsigned thread)>& work, unsigned threads) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&](unsigned thread) {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i, thread);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> helpers;
  try {
    for (unsigned i = 1; i < threads && i < count; ++i) helpers.emplace_back(run, i);
  } catch (const std::system_error&) {
    // Fewer threads take longer.
  }
  run(0);
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
}

/// What is wrong with a loose object, in a line; nothing where it is sound, or was packed by stock git meanwhile.
std::optional<std::string> problem_of(const fs::path& file, const Oid& id, const Context& context) {
  const auto stream = LooseStream::open(file);
  if (!stream) return std::nullopt;
  digest::Sha1 sha;
  sha.update(object_head(stream->header().type, stream->header().size));
  base::drain(*stream, [&](base::ConstBytes piece) {
    sha.update(piece);
    context.progress->advance(piece.size());
  });
  if (sha.finish() == id) return std::nullopt;
  return "its content does not match its id";
}

struct Place {
  std::uint64_t offset = 0;
  std::uint32_t position = 0;
};

class PackChecker {
 public:
  PackChecker(fs::path pack, const Context& context) : path_(std::move(pack)), context_(context) {}

  PackCheck run() {
    open();
    if (!pack_) return std::move(result_);
    // The checksum of the whole is one piece of the work, each batch of entries another.
    std::vector<std::pair<std::size_t, std::size_t>> batches = batches_of_entries();
    const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::unique_ptr<EntryReader>> readers(threads);
    on_all_cores(
        batches.size() + 1,
        [&](std::size_t number, unsigned thread) {
          if (number == 0) return check_whole();
          if (!readers[thread]) readers[thread] = std::make_unique<EntryReader>(pack_, find_base());
          check_entries(batches[number - 1], *readers[thread]);
        },
        threads);
    std::sort(result_.objects.begin(), result_.objects.end(),
              [](const DamagedObject& a, const DamagedObject& b) { return a.id < b.id; });
    return std::move(result_);
  }

 private:
  void open() {
    try {
      index_ = PackIndex::open(fs::path(path_).replace_extension(".idx"));
      index_->verify();
    } catch (const Error& error) {
      index_.reset();
      result_.index_problems.push_back(error.code() == ErrorCode::not_found ? "it is missing" : why_of(error));
    }
    try {
      pack_ = open_pack(path_);
    } catch (const Error& error) {
      result_.pack_problems.push_back(error.code() == ErrorCode::not_found ? "it is missing" : why_of(error));
      if (index_)
        for (std::uint32_t i = 0; i < index_->count(); ++i)
          result_.objects.push_back({index_->id(i), "its pack cannot be read"});
    }
  }

  EntryReader::FindBase find_base() const {
    return [this](const Oid& id) -> std::optional<std::uint64_t> {
      const auto position = index_->find(id);
      return position ? index_->offset(*position) : std::nullopt;
    };
  }

  std::vector<std::pair<std::size_t, std::size_t>> batches_of_entries() {
    std::vector<std::pair<std::size_t, std::size_t>> batches;
    if (!index_) return batches;
    places_.reserve(index_->count());
    for (std::uint32_t i = 0; i < index_->count(); ++i) places_.push_back({index_->offset(i).value_or(0), i});
    std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) { return a.offset < b.offset; });
    for (std::size_t from = 0; from < places_.size();) {
      std::size_t to = from + 1;
      while (to < places_.size() && to - from < batch_objects &&
             places_[to].offset - places_[from].offset < batch_bytes)
        ++to;
      batches.emplace_back(from, to);
      from = to;
    }
    return batches;
  }

  void check_whole() {
    std::vector<std::string> problems;
    try {
      const auto count = entry_count(*pack_);
      const auto trailer = checked_trailer(*pack_, context_);
      if (!count) problems.emplace_back("it does not start as a version 2 pack");
      if (!trailer) problems.emplace_back("its bytes do not have its checksum");
      if (index_ && count && trailer && (*count != index_->count() || *trailer != index_->pack_checksum())) {
        const std::lock_guard lock(mutex_);
        result_.index_problems.emplace_back("it belongs to another pack");
      }
    } catch (const Error& error) {
      problems.push_back(why_of(error));
    }
    const std::lock_guard lock(mutex_);
    result_.pack_problems.insert(result_.pack_problems.end(), problems.begin(), problems.end());
  }

  void check_entries(const std::pair<std::size_t, std::size_t>& batch, EntryReader& reader) {
    std::vector<DamagedObject> damaged;
    for (std::size_t i = batch.first; i < batch.second; ++i) {
      context_.cancel->check();
      const Oid id = index_->id(places_[i].position);
      try {
        if (reader.identify(places_[i].offset).first != id)
          damaged.push_back({id, "its content does not match its id"});
      } catch (const Error& error) {
        damaged.push_back({id, why_of(error)});
      }
    }
    const std::uint64_t end = batch.second < places_.size() ? places_[batch.second].offset : pack_->end;
    context_.progress->advance(end - std::min(end, places_[batch.first].offset));
    const std::lock_guard lock(mutex_);
    result_.count += batch.second - batch.first;
    result_.objects.insert(result_.objects.end(), damaged.begin(), damaged.end());
  }

  fs::path path_;
  const Context& context_;
  std::shared_ptr<const OpenPack> pack_;
  std::unique_ptr<PackIndex> index_;
  std::vector<Place> places_;
  std::mutex mutex_;
  PackCheck result_;
};

}  // namespace

PackCheck check_pack(const fs::path& pack, const Context& context) { return PackChecker(pack, context).run(); }

std::vector<fs::path> list_packs(const fs::path& objects) {
  std::set<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(objects / "pack", error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    if (path.filename().native().starts_with("pack-") && (path.extension() == ".pack" || path.extension() == ".idx"))
      found.insert(fs::path(path).replace_extension(".pack"));
  }
  // A repair that saw no packs would take what refs name for lost.
  if (error && error != std::errc::no_such_file_or_directory)
    base::throw_errno(error.value(), "read the folder", objects / "pack");
  return {found.begin(), found.end()};
}

std::uint64_t size_of_packs(const std::vector<fs::path>& packs) {
  std::uint64_t bytes = 0;
  for (const fs::path& pack : packs) {
    std::error_code error;
    const auto size = fs::file_size(pack, error);
    if (!error) bytes += size;
  }
  return bytes;
}

std::vector<LooseProblem> check_loose_objects(const fs::path& objects, std::uint64_t& count, const Context& context) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto is_hex = [&](std::string_view text) { return text.find_first_not_of(digits) == std::string_view::npos; };
  std::vector<std::pair<fs::path, Oid>> files;
  std::error_code error;
  for (fs::directory_iterator folder(objects, error), end; !error && folder != end; folder.increment(error)) {
    const std::string pair = folder->path().filename().native();
    if (pair.size() != 2 || !is_hex(pair)) continue;
    std::error_code inner;
    for (fs::directory_iterator file(folder->path(), inner), last; !inner && file != last; file.increment(inner)) {
      const std::string name = pair + file->path().filename().native();
      if (name.size() == 2 * Oid::size && is_hex(name)) files.emplace_back(file->path(), Oid::parse(name));
    }
    if (inner && inner != std::errc::no_such_file_or_directory && inner != std::errc::not_a_directory)
      base::throw_errno(inner.value(), "read the folder", folder->path());
  }
  if (error) base::throw_errno(error.value(), "read the folder", objects);
  count = files.size();
  std::mutex mutex;
  std::vector<LooseProblem> problems;
  const auto check = [&](std::size_t i, unsigned) {
    context.cancel->check();
    const auto& [path, id] = files[i];
    std::optional<std::string> why;
    for (bool again = false;; again = true) {
      try {
        why = problem_of(path, id, context);
        break;
      } catch (const Error& failure) {
        const bool of_the_disk = failure.code() == ErrorCode::io || failure.code() == ErrorCode::denied;
        if (!of_the_disk || has_bad_block(path)) {
          why = why_of(failure);
          break;
        }
        if (again) throw;
      }
    }
    if (!why) return;
    const std::lock_guard lock(mutex);
    problems.push_back({path, id, *why});
  };
  on_all_cores(files.size(), check, std::max(1u, std::thread::hardware_concurrency()));
  std::sort(problems.begin(), problems.end(),
            [](const LooseProblem& a, const LooseProblem& b) { return a.file < b.file; });
  return problems;
}

std::vector<DamagedObject> check_objects(ObjectDatabase& database, const std::vector<Oid>& ids,
                                         const Context& context) {
  std::mutex mutex;
  std::vector<DamagedObject> damaged;
  const auto check = [&](std::size_t i, unsigned) {
    context.cancel->check();
    try {
      base::drain(*database.stream(ids[i]), [&](base::ConstBytes piece) { context.progress->advance(piece.size()); });
    } catch (const Error& error) {
      if (error.code() == ErrorCode::not_found) return;
      const std::string why = why_of(error);
      const std::lock_guard lock(mutex);
      damaged.push_back({ids[i], why});
    }
  };
  on_all_cores(ids.size(), check, std::max(1u, std::thread::hardware_concurrency()));
  std::sort(damaged.begin(), damaged.end(), [](const DamagedObject& a, const DamagedObject& b) { return a.id < b.id; });
  return damaged;
}

bool has_bad_block(const fs::path& file) {
  const base::Fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  std::vector<char> piece(64 * 1024);
  ssize_t got = fd ? 1 : -1;
  while (got > 0) {
    do got = ::read(fd.get(), piece.data(), piece.size());
    while (got < 0 && errno == EINTR);
  }
  if (got == 0 || errno == ENOENT) return false;
  if (errno != EIO) base::throw_errno(errno, "read", file);
  return true;
}

bool ends_in_its_checksum(const fs::path& file) {
  try {
    base::FileSource source(base::open_file(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), file);
    digest::Sha1 sha;
    std::string held;  // the last bytes, which may be the checksum
    base::drain(source, [&](base::ConstBytes piece) {
      held += base::text_of(piece);
      if (held.size() <= Oid::size) return;
      sha.update(std::string_view(held).substr(0, held.size() - Oid::size));
      held.erase(0, held.size() - Oid::size);
    });
    if (held.size() != Oid::size) return false;
    const Oid sum = sha.finish();
    return held == std::string_view(reinterpret_cast<const char*>(sum.bytes().data()), Oid::size);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace pod::git
