#include "git/history_pack.hpp"

#include "git/deflate.hpp"
#include "git/delta.hpp"
#include "git/delta_encoder.hpp"
#include "git/entry_source.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_set>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_delta = 8u << 20;   // larger objects are copied
constexpr std::size_t one_at_a_time = 1u << 20;  // from here on memory is shared by taking turns
constexpr std::size_t batch_entries = 4096;
constexpr std::size_t batch_size = 1u << 20;  // written at once
constexpr std::size_t lines_at_once = 32;
constexpr unsigned most_threads = 16;
constexpr unsigned samples = 3;  // of a run of lines: whether their objects become smaller
constexpr unsigned steps_between_anchors = 24;
constexpr std::uint8_t unplaced = 255;
constexpr std::size_t index_fixed = 8 + 256 * 4 + 2 * Oid::size;

/// An entry that is ready but for the place of its base.
struct Ready {
  ObjectNumber number = 0;
  ObjectNumber base = no_object;
  unsigned type = 0;
  std::uint64_t size = 0;
  std::string stream;
};

/// An object of a line that others may be compared with.
struct Neighbour {
  ObjectNumber number = no_object;
  bool loaded = false;
  std::string content;
  std::optional<DeltaEncoder> encoder;
};

}  // namespace

struct HistoryPack::Impl {
  Impl(const ObjectTable& objects_table, ObjectDatabase& database, const fs::path& folder, Mode mode,
       const Context& given)
      : table(objects_table), objects(database), source(table), context(given) {
    if (mode == Mode::write) out.emplace(folder, context);
    places.assign(table.size(), 0);
    depths.assign(table.size(), unplaced);
    measure_preferred();
  }

  const ObjectTable& table;
  ObjectDatabase& objects;
  EntrySource source;
  Context context;

  std::mutex out_mutex;  // of the output and of what is counted
  std::optional<PackOutput> out;
  std::uint64_t position = pack_head_size;
  HistoryPackResult result;
  std::vector<std::uint64_t> places;  // by number; 0: not written yet
  std::vector<std::uint8_t> depths;   // by number; each touched by the thread that has its line

  const ObjectTable::Pack* preferred = nullptr;
  std::vector<std::uint8_t> heights;  // by position in the preferred pack: how many deltas stand on it at most

  std::mutex turn;  // who works on large objects
  std::atomic<bool> stopping{false};

  /// Chains of the pack that this one continues. Bases lie before their deltas.
  void measure_preferred() {
    for (const ObjectTable::Pack& pack : table.packs())
      if (pack.preferred) preferred = &pack;
    if (preferred == nullptr) return;
    const PackIndex& index = *preferred->file->index();
    const auto opened = preferred->file->open();
    heights.assign(index.count(), 0);
    for (auto at = preferred->by_offset.rbegin(); at != preferred->by_offset.rend(); ++at) {
      const PackEntry entry = read_entry(*opened, index.offset(*at).value_or(0));
      if (entry.kind != EntryKind::offset_delta) continue;
      const auto base =
          std::lower_bound(preferred->by_offset.begin(), preferred->by_offset.end(), entry.base_offset,
                           [&](std::uint32_t other, std::uint64_t offset) { return index.offset(other) < offset; });
      if (base == preferred->by_offset.end()) continue;
      heights[*base] = static_cast<std::uint8_t>(std::max<unsigned>(heights[*base], std::min(heights[*at] + 1u, 254u)));
    }
  }

  bool is_preferred(ObjectNumber number) const { return preferred != nullptr && table.pack_of(number) == preferred; }
  unsigned height_of(ObjectNumber number) const {
    return is_preferred(number) ? heights[table.position_of(number)] : 0;
  }

  void append(std::vector<Ready>& batch) {
    const std::lock_guard lock(out_mutex);
    for (const Ready& entry : batch) {
      const std::uint64_t start = position;
      std::string head;
      append_entry_head(head, entry.base == no_object ? entry.type : offset_delta_type, entry.size);
      if (entry.base != no_object) {
        append_base_distance(head, start - places[entry.base]);
        ++result.deltas;
      }
      if (out) {
        out->append(head);
        out->append(entry.stream);
        const std::uint32_t crc = crc32_of(crc32_of(0, base::bytes_of(head)), base::bytes_of(entry.stream));
        out->add_entry(table.id(entry.number), crc, start);
      }
      finish_entry(entry.number, start, head.size() + entry.stream.size());
    }
    batch.clear();
  }

  void finish_entry(ObjectNumber number, std::uint64_t start, std::uint64_t bytes) {
    places[number] = start;
    position += bytes;
    ++result.objects;
    result.bytes += index_entry_size(start);
  }
  static std::uint64_t index_entry_size(std::uint64_t offset) { return Oid::size + 8 + (offset >> 31 != 0 ? 8 : 0); }

  /// An entry in pieces, the output held meanwhile: `pieces` gives the stream to its argument.
  void append_large(ObjectNumber number, ObjectType type, std::uint64_t size,
                    const std::function<void(const std::function<void(std::string_view)>&)>& pieces) {
    const std::lock_guard lock(out_mutex);
    const std::uint64_t start = position;
    std::string head;
    append_entry_head(head, static_cast<unsigned>(type), size);
    std::uint32_t crc = crc32_of(0, base::bytes_of(head));
    std::uint64_t bytes = head.size();
    if (out) out->append(head);
    pieces([&](std::string_view piece) {
      context.cancel->check();
      crc = crc32_of(crc, base::bytes_of(piece));
      bytes += piece.size();
      if (out) out->append(piece);
    });
    if (out) out->add_entry(table.id(number), crc, start);
    finish_entry(number, start, bytes);
  }

  class Worker;
  void run(const HistoryWalk::Lines& lines);
};

/// Makes the entries of one line after the other.
class HistoryPack::Impl::Worker {
 public:
  explicit Worker(Impl& pack) : pack_(pack) {}

  void take_line(const ObjectNumber* begin, const ObjectNumber* end, bool compare) {
    previous_ = {};
    anchor_.reset();
    placed_.clear();
    for (const ObjectNumber* at = begin; at != end; ++at) {
      pack_.context.cancel->check();
      if (pack_.stopping) return;
      take(*at, compare);
      pack_.context.progress->advance(pack_.table.stored_size(*at));
    }
    if (turn_.owns_lock()) turn_.unlock();
  }

  void take_cruft(ObjectNumber number) {
    if (pack_.table.pack_of(number) != nullptr) {
      LyingEntry entry = pack_.source.find(number);
      const bool moves = entry.base != no_object && pack_.depths[entry.base] != unplaced;
      if (entry.head.kind == EntryKind::whole || moves) {
        copy(number, entry, moves ? entry.base : no_object);
        pack_.depths[number] = 0;
        return;
      }
    }
    const auto header = header_of(number);
    if (header.size > most_delta) {
      stream(number, header);
    } else {
      Object object = pack_.objects.read_any(pack_.table.id(number), most_delta);
      Ready ready{number, no_object, static_cast<unsigned>(object.type), object.content.size(), {}};
      fast_.whole(base::bytes_of(object.content), ready.stream);
      push(std::move(ready));
    }
    pack_.depths[number] = 0;
  }

  void start_lines() {
    tight_tries_ = 0;
    tight_before_ = tight_after_ = 0;
  }

  void flush() {
    if (!batch_.empty()) pack_.append(batch_);
    batch_bytes_ = 0;
  }

 private:
  void take(ObjectNumber number, bool compare) {
    std::optional<LyingEntry> entry;
    if (pack_.table.pack_of(number) != nullptr) entry = pack_.source.find(number);
    const bool lies_whole = entry && entry->head.kind == EntryKind::whole;
    if (pack_.is_preferred(number)) {
      if (!lies_whole && placed_.contains(entry->base) &&
          pack_.depths[entry->base] + 1u + pack_.height_of(number) <= deepest_delta) {
        copy(number, *entry, entry->base);
        return settle(number, pack_.depths[entry->base] + 1u, {});
      }
      // It was compared with these already.
      const bool known = !compare || previous_.number == no_object || pack_.is_preferred(previous_.number);
      if (lies_whole && known) {
        copy(number, *entry, no_object);
        return settle(number, 0, {});
      }
    }
    const ObjectHeader header = lies_whole ? ObjectHeader{entry->head.type, entry->head.size} : header_of(number);
    if (header.size > most_delta) {
      if (lies_whole)
        copy(number, *entry, no_object);
      else
        stream(number, header);
      pack_.depths[number] = 0;
      previous_ = {};
      return anchor_.reset();
    }
    if (header.size > one_at_a_time && !turn_.owns_lock()) turn_ = std::unique_lock(pack_.turn);
    Object object = pack_.objects.read_any(pack_.table.id(number), most_delta);
    const std::uint64_t lying = lies_whole ? entry->stream_size() : object.content.size();
    unsigned depth = 0;
    if (auto delta = compare ? best_delta(number, object.content, lying, depth) : std::nullopt) {
      push(*std::move(delta));
    } else {
      depth = 0;
      Ready whole{number, no_object, static_cast<unsigned>(object.type), object.content.size(), {}};
      const bool tight = !lies_whole || (lying < object.content.size() && is_worth_it());
      if (tight) tight_.whole(base::bytes_of(object.content), whole.stream);
      if (tight && lies_whole) note_tight(lying, whole.stream.size());
      if (!tight || (lies_whole && whole.stream.size() >= lying))
        copy(number, *entry, no_object);
      else
        push(std::move(whole));
    }
    settle(number, depth, std::move(object.content));
  }

  /// Whether the last objects became smaller by a fiftieth. Pages of databases often do not, and it is the longest part
  /// of the work. By neighbours alone, so that the same objects give the same pack whatever the threads do.
  bool is_worth_it() const { return tight_tries_ < samples || tight_before_ >= tight_after_ + tight_before_ / 50; }
  void note_tight(std::uint64_t before, std::uint64_t after) {
    ++tight_tries_;
    tight_before_ += before;
    tight_after_ += std::min(before, after);
  }

  /// What comes next is compared with `number`, and with the anchor that it becomes or follows.
  void settle(ObjectNumber number, unsigned depth, std::string content) {
    pack_.depths[number] = static_cast<std::uint8_t>(depth);
    placed_.insert(number);
    const bool loaded = !content.empty();
    auto here = std::make_shared<Neighbour>();
    here->number = number;
    here->loaded = loaded;
    here->content = std::move(content);
    const bool follows = anchor_ != nullptr && depth > 0 && depth > pack_.depths[anchor_->number] && !became_anchor_;
    if (!follows) anchor_ = here;
    became_anchor_ = false;
    previous_ = Previous{number, std::move(here)};
  }

  std::optional<Ready> best_delta(ObjectNumber number, const std::string& content, std::uint64_t lying,
                                  unsigned& depth) {
    if (previous_.number == no_object || content.size() < 32) return std::nullopt;
    const unsigned height = pack_.height_of(number);
    const unsigned behind_previous = pack_.depths[previous_.number] + 1u;
    std::optional<Ready> best;
    if (behind_previous - pack_.depths[anchor_->number] <= steps_between_anchors &&
        behind_previous + height <= deepest_delta) {
      best = delta_to(*previous_.held, number, content, lying);
      depth = behind_previous;
      if (best && best->stream.size() * 4 < lying) return best;
    }
    const unsigned behind_anchor = pack_.depths[anchor_->number] + 1u;
    if (anchor_->number != previous_.number && behind_anchor + height <= deepest_delta) {
      auto other = delta_to(*anchor_, number, content, best ? best->stream.size() : lying);
      if (other) {
        best = std::move(other);
        depth = behind_anchor;
        became_anchor_ = true;
      }
    }
    return best;
  }

  /// nullopt where it is not worth its while.
  std::optional<Ready> delta_to(Neighbour& base, ObjectNumber number, const std::string& content, std::uint64_t lying) {
    if (!base.loaded) {
      if (header_of(base.number).size > most_delta) return std::nullopt;
      base.content = pack_.objects.read_any(pack_.table.id(base.number), most_delta).content;
      base.loaded = true;
    }
    if (base.content.empty()) return std::nullopt;
    if (!base.encoder) base.encoder.emplace(base.content);
    const auto delta = base.encoder->encode(content, content.size() - content.size() / 8);
    if (!delta) return std::nullopt;
    if (apply_delta(base.content, *delta, content.size()) != content)
      throw Error(ErrorCode::internal, "a delta does not give the object " + pack_.table.id(number).hex());
    Ready ready{number, base.number, 0, delta->size(), {}};
    tight_.whole(base::bytes_of(*delta), ready.stream);
    if (ready.stream.size() + 4 > lying - lying / 16) return std::nullopt;
    return ready;
  }

  ObjectHeader header_of(ObjectNumber number) {
    const auto header = pack_.objects.header(pack_.table.id(number));
    if (!header) throw Error(ErrorCode::corrupt, "the object " + pack_.table.id(number).hex() + " is missing");
    return *header;
  }

  void copy(ObjectNumber number, const LyingEntry& entry, ObjectNumber base) {
    if (entry.stream_size() > most_delta && base == no_object) {
      flush();
      pack_.append_large(number, entry.head.type, entry.head.size,
                         [&](const auto& sink) { pack_.source.copy(entry, number, sink); });
      return;
    }
    Ready ready{number, base, static_cast<unsigned>(entry.head.type), entry.head.size, {}};
    ready.stream.reserve(static_cast<std::size_t>(entry.stream_size()));
    pack_.source.copy(entry, number, [&](std::string_view piece) { ready.stream += piece; });
    push(std::move(ready));
  }

  void stream(ObjectNumber number, const ObjectHeader& header) {
    flush();
    const auto content = pack_.objects.stream(pack_.table.id(number));
    pack_.append_large(number, header.type, header.size, [&](const auto& sink) {
      std::string piece(256 * std::size_t{1024}, '\0');
      std::string packed;
      fast_.start();
      std::uint64_t rest = header.size;
      do {
        const std::size_t got = base::read_fully(*content, std::as_writable_bytes(std::span(piece)));
        rest -= std::min<std::uint64_t>(rest, got);
        packed.clear();
        fast_.add(base::bytes_of(std::string_view(piece).substr(0, got)), rest == 0, packed);
        sink(packed);
        if (got == 0 && rest > 0)
          throw Error(ErrorCode::corrupt, "the object " + pack_.table.id(number).hex() + " is damaged");
      } while (rest > 0);
      std::byte probe{};
      static_cast<void>(content->read(std::span(&probe, 1)));  // its id is checked at its end
    });
  }

  void push(Ready&& ready) {
    // A compressor makes room for more than there is, and small entries are many.
    ready.stream.shrink_to_fit();
    batch_bytes_ += ready.stream.size();
    batch_.push_back(std::move(ready));
    if (batch_bytes_ >= batch_size || batch_.size() >= batch_entries) flush();
  }

  struct Previous {
    ObjectNumber number = no_object;
    std::shared_ptr<Neighbour> held;
  };

  Impl& pack_;
  TightDeflater tight_;
  Deflater fast_;
  std::vector<Ready> batch_;
  std::size_t batch_bytes_ = 0;
  std::unordered_set<ObjectNumber> placed_;  // of this line: what others wrote may wait in their batches
  Previous previous_;
  std::shared_ptr<Neighbour> anchor_;
  bool became_anchor_ = false;
  unsigned tight_tries_ = 0;
  std::uint64_t tight_before_ = 0;
  std::uint64_t tight_after_ = 0;
  std::unique_lock<std::mutex> turn_;
};

void HistoryPack::Impl::run(const HistoryWalk::Lines& lines) {
  std::atomic<std::size_t> next{0};
  std::mutex failure_mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      Worker worker(*this);
      while (!stopping) {
        const std::size_t first = next.fetch_add(lines_at_once);
        if (first >= lines.ends.size()) break;
        worker.start_lines();
        for (std::size_t line = first; line < std::min(first + lines_at_once, lines.ends.size()); ++line) {
          const std::size_t begin = line == 0 ? 0 : lines.ends[line - 1];
          worker.take_line(lines.objects.data() + begin, lines.objects.data() + lines.ends[line],
                           begin >= lines.commits);
        }
        worker.flush();
      }
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      stopping = true;
    }
  };
  std::vector<std::thread> others;
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, most_threads);
  try {
    for (unsigned i = 1; i < threads && i * lines_at_once < lines.ends.size(); ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
    // Fewer do it as well.
  }
  work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

HistoryPack::HistoryPack(const ObjectTable& table, ObjectDatabase& objects, const fs::path& folder, Mode mode,
                         const Context& context)
    : impl_(std::make_unique<Impl>(table, objects, folder, mode, context)) {}
HistoryPack::~HistoryPack() = default;

void HistoryPack::add(const HistoryWalk::Lines& lines) { impl_->run(lines); }

void HistoryPack::add_cruft(std::vector<ObjectNumber> numbers) {
  const ObjectTable& table = impl_->table;
  // As they lie: bases before their deltas.
  std::sort(numbers.begin(), numbers.end(), [&](ObjectNumber a, ObjectNumber b) {
    if (table.pack_of(a) != table.pack_of(b)) return std::less<>()(table.pack_of(a), table.pack_of(b));
    return table.pack_of(a) != nullptr && table.range_of(a).first < table.range_of(b).first;
  });
  Impl::Worker worker(*impl_);
  std::vector<std::uint32_t> times;
  for (const ObjectNumber number : numbers) {
    impl_->context.cancel->check();
    worker.take_cruft(number);
    times.push_back(table.time_of(number));
    impl_->context.progress->advance(table.stored_size(number));
  }
  worker.flush();
  if (impl_->out) impl_->out->set_times(std::move(times));
  impl_->result.bytes += 12 + 4 * numbers.size() + 2 * Oid::size;
}

HistoryPackResult HistoryPack::seal() {
  impl_->places = {};
  impl_->depths = {};
  impl_->heights = {};
  if (impl_->result.objects == 0) return {};
  impl_->result.bytes += impl_->position + Oid::size + index_fixed;
  if (impl_->out) {
    impl_->out->seal();
    impl_->result.bytes = impl_->out->bytes();
  }
  return impl_->result;
}

fs::path HistoryPack::publish() { return impl_->out->publish(); }

}  // namespace pod::git
