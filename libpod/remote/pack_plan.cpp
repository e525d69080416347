#include "remote/pack_plan.hpp"

#include "git/pack_output.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::remote {
namespace {

using git::EntryKind;
using git::LyingEntry;
using git::ObjectNumber;

constexpr std::uint64_t frame = git::pack_head_size + Oid::size;
constexpr std::uint64_t head_room = 20;  // an entry's head and the distance to its base, at most
constexpr unsigned deepest = 1000;       // of deltas that come together from several packs
constexpr std::size_t piece_size = 256 * std::size_t{1024};

}  // namespace

PackPlanner::PackPlanner(const git::ObjectTable& table, git::ObjectDatabase& objects, std::uint64_t limit,
                         const Context& context)
    : table_(table),
      objects_(objects),
      source_(table),
      limit_(limit),
      context_(context),
      places_(table.size(), nowhere),
      offsets_(table.size(), 0) {}

void PackPlanner::start_anew() {
  std::fill(places_.begin(), places_.end(), nowhere);
  depths_.clear();
  last_ = nowhere;
}

void PackPlanner::add(const std::vector<ObjectNumber>& objects, PackKind kind, std::vector<PackPlan>& plans) {
  if (objects.empty()) return;
  for (const ObjectNumber number : objects) places_[number] = coming;
  plans.push_back({kind, {}, frame});
  ++last_;
  for (const ObjectNumber number : objects) {
    context_.cancel->check();
    if (places_[number] == coming) place_with_bases(number, plans, kind);
  }
}

void PackPlanner::place_with_bases(ObjectNumber number, std::vector<PackPlan>& plans, PackKind kind) {
  std::vector<ObjectNumber> chain{number};
  while (table_.pack_of(chain.back()) != nullptr) {
    places_[chain.back()] = under_way;
    const ObjectNumber base = source_.find(chain.back()).base;
    // Packs may disagree on which of two objects is the base of the other: then the chain ends in what is written anew.
    if (base == git::no_object || places_[base] != coming) break;
    chain.push_back(base);
  }
  for (; !chain.empty(); chain.pop_back()) place(chain.back(), plans, kind);
}

void PackPlanner::place(ObjectNumber number, std::vector<PackPlan>& plans, PackKind kind) {
  Passage passage = Passage::anew;
  std::uint64_t size = 0;
  unsigned depth = 0;
  if (table_.pack_of(number) != nullptr) {
    const LyingEntry entry = source_.find(number);
    size = head_room + entry.stream_size();
    if (entry.head.kind == EntryKind::whole) {
      passage = Passage::copy;
    } else if (entry.base != git::no_object && places_[entry.base] == last_ && plans.back().bytes + size <= limit_) {
      const auto below = depths_.find(entry.base);
      depth = (below == depths_.end() ? 0 : below->second) + 1;
      if (depth <= deepest) passage = Passage::copy_delta;
    }
  }
  if (passage == Passage::anew) {
    const auto header = objects_.header(table_.id(number));
    if (!header) throw Error(ErrorCode::corrupt, "the object " + table_.id(number).hex() + " is missing");
    size = head_room + 64 + header->size + header->size / 1000;
  }
  if (plans.back().bytes + size > limit_ && !plans.back().entries.empty()) {
    plans.push_back({kind, {}, frame});
    ++last_;
  }
  plans.back().entries.emplace_back(number, passage);
  plans.back().bytes += size;
  places_[number] = last_;
  if (passage == Passage::copy_delta) depths_[number] = depth;
}

OutgoingPack PackPlanner::write(const PackPlan& plan, const std::filesystem::path& folder) {
  git::DigestedPack out(folder, static_cast<std::uint32_t>(plan.entries.size()), context_);
  for (const auto& [number, passage] : plan.entries) {
    context_.cancel->check();
    const std::uint64_t start = out.position();
    offsets_[number] = start;
    if (passage == Passage::anew)
      write_anew(out, number);
    else
      write_entry(out, number, passage);
    context_.progress->advance(out.position() - start);
  }
  const git::DigestedPack::Written written = out.finish(plan.kind != PackKind::whole);
  OutgoingPack pack;
  pack.pack = written.pack.path;
  pack.info.pack = {written.pack.sha256, written.pack.size};
  pack.info.objects = static_cast<std::uint32_t>(plan.entries.size());
  pack.info.kind = plan.kind;
  if (written.index) {
    pack.index = written.index->path;
    pack.info.index = NamedFile{written.index->sha256, written.index->size};
  }
  return pack;
}

void PackPlanner::write_entry(git::DigestedPack& out, ObjectNumber number, Passage passage) {
  const LyingEntry entry = source_.find(number);
  const std::uint64_t start = out.position();
  std::string head;
  if (passage == Passage::copy) {
    git::append_entry_head(head, static_cast<unsigned>(entry.head.type), entry.head.size);
  } else {
    git::append_entry_head(head, git::offset_delta_type, entry.head.size);
    git::append_base_distance(head, start - offsets_[entry.base]);
  }
  std::uint32_t crc = git::crc32_of(0, base::bytes_of(head));
  out.append(head);
  source_.copy(entry, number, [&](std::string_view piece) {
    crc = git::crc32_of(crc, base::bytes_of(piece));
    out.append(piece);
  });
  out.add_entry(table_.id(number), crc, start);
}

void PackPlanner::write_anew(git::DigestedPack& out, ObjectNumber number) {
  const Oid& id = table_.id(number);
  const auto header = objects_.header(id);
  if (!header) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is missing");
  const std::uint64_t start = out.position();
  std::string packed;
  git::append_entry_head(packed, static_cast<unsigned>(header->type), header->size);
  std::uint32_t crc = 0;
  const auto put = [&] {
    crc = git::crc32_of(crc, base::bytes_of(packed));
    out.append(packed);
    packed.clear();
  };
  const auto stream = objects_.stream(id);
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, header->size + 1)));
  deflater_.start();
  std::uint64_t rest = header->size;
  for (;;) {
    const std::size_t got = base::read_fully(*stream, piece);
    if (got > rest) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is longer than its head says");
    rest -= got;
    const bool last = got < piece.size();
    deflater_.add(std::span(piece).first(got), last, packed);
    put();
    if (last) break;
  }
  if (rest > 0) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is shorter than its head says");
  out.add_entry(id, crc, start);
}

}  // namespace pod::remote
