#include "git/foreign_deltas.hpp"

#include "git/delta.hpp"
#include "git/loose.hpp"
#include "git/strict_object.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace pod::git {
namespace {

using Number = std::uint32_t;

/// Who is a delta of whom.
class Families {
 public:
  Families(const std::vector<ForeignEntry>& entries, const std::vector<Oid>& base_ids) {
    for (Number i = 0; i < entries.size(); ++i) {
      if (entries[i].kind == EntryKind::offset_delta) by_entry_.emplace_back(entries[i].base, i);
      if (entries[i].kind == EntryKind::id_delta) by_id_.emplace_back(base_ids[entries[i].base], i);
    }
    std::sort(by_entry_.begin(), by_entry_.end());
    std::sort(by_id_.begin(), by_id_.end());
  }
  std::vector<Number> children_of(Number entry, const Oid& id) const {
    std::vector<Number> children;
    const auto add = [&](const auto& list, const auto& key) {
      auto at = std::lower_bound(list.begin(), list.end(), key,
                                 [](const auto& pair, const auto& wanted) { return pair.first < wanted; });
      for (; at != list.end() && at->first == key; ++at) children.push_back(at->second);
    };
    add(by_entry_, entry);
    add(by_id_, id);
    // An anchor of a long line lies behind the deltas that end in it.
    std::sort(children.begin(), children.end());
    return children;
  }

 private:
  std::vector<std::pair<Number, Number>> by_entry_;
  std::vector<std::pair<Oid, Number>> by_id_;
};

/// Down the tree of deltas of one whole object after the other.
class Descent {
 public:
  Descent(std::shared_ptr<const OpenPack> pack, std::vector<ForeignEntry>& entries, const Families& families,
          std::vector<std::atomic<bool>>& claimed, const ForeignLimits& limits, std::uint64_t memory,
          const Context& context)
      : pack_(std::move(pack)),
        entries_(entries),
        families_(families),
        claimed_(claimed),
        limits_(limits),
        memory_(memory),
        context_(context) {}

  void from(Number root) {
    std::vector<Number> children = families_.children_of(root, entries_[root].id);
    if (children.empty()) return;
    held_ = 0;
    path_.clear();
    try {
      enter(inflate(root), std::move(children));
    } catch (Error& error) {
      rethrow_for(error, entries_[root].offset);
    }
    type_ = entries_[root].type;
    while (!path_.empty()) {
      Frame& frame = path_.back();
      if (frame.next == frame.children.size()) {
        held_ -= frame.content.size();
        path_.pop_back();
        continue;
      }
      const Number child = frame.children[frame.next++];
      // Where two objects had one id, both would claim a delta that names it.
      if (claimed_[child].exchange(true)) continue;
      context_.cancel->check();
      try {
        make(child);
      } catch (Error& error) {
        rethrow_for(error, entries_[child].offset);
      }
    }
  }

 private:
  struct Frame {
    std::string content;
    std::vector<Number> children;
    std::size_t next = 0;
  };

  void enter(std::string content, std::vector<Number> children) {
    held_ += content.size();
    if (held_ > memory_) throw Error(ErrorCode::refused, "its deltas need too much memory");
    path_.push_back({std::move(content), std::move(children), 0});
  }

  void make(Number child) {
    if (path_.size() > limits_.deltas) throw Error(ErrorCode::refused, "too many deltas stand on one another");
    Frame& frame = path_.back();
    std::string made = apply_delta(frame.content, inflate(child), limits_.made);
    if (frame.next == frame.children.size()) {
      // Nobody needs the base any more: of a long line two objects are held, not all.
      held_ -= frame.content.size();
      frame.content = {};
    }
    ForeignEntry& entry = entries_[child];
    entry.type = type_;
    entry.id = identify(sha_, type_, made);
    entry.known = true;
    if (std::vector<Number> children = families_.children_of(child, entry.id); !children.empty())
      enter(std::move(made), std::move(children));
  }

  std::string inflate(Number number) const {
    const PackEntry entry = read_entry(*pack_, entries_[number].offset);
    if (entry.size > limits_.made) throw Error(ErrorCode::refused, "it is too large for a delta");
    EntryStream stream(pack_, entry);
    return base::read_all(stream, limits_.made);
  }

  std::shared_ptr<const OpenPack> pack_;
  std::vector<ForeignEntry>& entries_;
  const Families& families_;
  std::vector<std::atomic<bool>>& claimed_;
  const ForeignLimits& limits_;
  std::uint64_t memory_;
  Context context_;
  std::vector<Frame> path_;
  std::uint64_t held_ = 0;
  ObjectType type_ = ObjectType::blob;
  digest::Sha1Checked sha_;
};

}  // namespace

Oid identify(digest::Sha1Checked& sha, ObjectType type, std::string_view content) {
  sha.reset();
  const Oid id = sha.update(object_head(type, content.size())).update(content).finish();
  check_strictly(id, type, content);
  return id;
}

void rethrow_for(Error& error, std::uint64_t offset) {
  throw error.within("the entry at " + std::to_string(offset) + " cannot be taken");
}

void resolve_deltas(const std::shared_ptr<const OpenPack>& pack, std::vector<ForeignEntry>& entries,
                    const std::vector<Oid>& base_ids, const ForeignLimits& limits, const Context& context) {
  const Families families(entries, base_ids);
  std::vector<std::atomic<bool>> claimed(entries.size());
  std::atomic<Number> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  const auto work = [&] {
    try {
      Descent descent(pack, entries, families, claimed, limits, limits.bases / threads, context);
      for (Number i = next++; i < entries.size(); i = next++)
        if (entries[i].kind == EntryKind::whole) descent.from(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = static_cast<Number>(entries.size());
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
  for (const ForeignEntry& entry : entries) {
    if (entry.known) continue;
    Error error(ErrorCode::corrupt, "its base is not in the pack, or the deltas go round in a circle");
    rethrow_for(error, entry.offset);
  }
}

}  // namespace pod::git
