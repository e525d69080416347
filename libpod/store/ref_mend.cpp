#include "store/ref_mend.hpp"

#include <libpod/error.hpp>

#include <sys/stat.h>
#include <algorithm>
#include <charconv>
#include <map>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view branches = "refs/heads/";
constexpr std::string_view kept = "refs/pod/journal/";
constexpr std::uint64_t reflog_limit = 64ull << 20;
constexpr std::int64_t undo_seconds = std::int64_t{30} * 24 * 60 * 60;  // how long an operation can be undone

/// Stock git's reflog, where it wrote one: "<old> <new> <who> <time>\t<message>" a line; ids newest first.
std::vector<Oid> reflog_values(const fs::path& store, const std::string& name) {
  std::vector<Oid> values;
  try {
    const std::string text = base::read_file(store / "logs" / name, reflog_limit).value_or("");
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(rest.size(), end + 1));
      if (line.size() < 81 || line[40] != ' ') continue;
      for (const std::string_view hex : {line.substr(0, 40), line.substr(41, 40)}) {
        try {
          values.push_back(Oid::parse(hex));
        } catch (const Error&) {
          // A line that says nothing.
        }
      }
    }
  } catch (const Error&) {
    // No reflog that can be read.
  }
  std::reverse(values.begin(), values.end());
  return values;
}

}  // namespace

std::vector<git::Ref> stray_kept_refs(const std::vector<git::Ref>& refs, const std::vector<Operation>& operations) {
  std::map<std::string, Oid> expected;
  std::map<std::string, Oid> safety;  // of each instance, before the operation
  for (const Operation& operation : operations) {
    expected[std::string(kept) + std::to_string(operation.id)] =
        operation.instance.empty() ? operation.before : safety[operation.instance];
    if (!operation.instance.empty()) safety[operation.instance] = operation.before;
  }
  std::vector<git::Ref> strays;
  for (const git::Ref& ref : refs) {
    if (!ref.name.starts_with(kept)) continue;
    const auto place = expected.find(ref.name);
    if (place == expected.end() || place->second != ref.target) strays.push_back(ref);
  }
  return strays;
}

void RefMend::run() {
  std::vector<std::string> broken;
  std::vector<git::Ref> refs =
      impl_.repository.refs("refs/", [&](std::string name) { broken.push_back(std::move(name)); });
  for (const std::string& name : broken) restore(name, Oid());
  for (const git::Ref& ref : refs)
    if (!is_commit(ref.target) && (ref.name.starts_with(branches) || ref.name.starts_with("refs/pod/")))
      restore(ref.name, ref.target);
  restore_missing_pods();
  note_moves();
  rename_strays();
  keep_for_undo();
}

bool RefMend::is_commit(const Oid& id) const {
  try {
    impl_.repository.commit(id);
    return true;
  } catch (const Error& error) {
    // What the disk does not give now may be there: no ref is moved for that.
    if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::io || error.code() == ErrorCode::denied)
      throw;
    return false;
  }
}

std::vector<Oid> RefMend::former_values(const std::string& name) const {
  std::vector<Oid> values;
  std::map<std::string, Oid> safety;  // of each instance, before the operation
  for (const Operation& operation : operations_) {
    if (operation.ref == name) {
      values.push_back(operation.before);
      values.push_back(operation.after);
    }
    if (name == std::string(kept) + std::to_string(operation.id))
      values.push_back(operation.instance.empty() ? operation.before : safety[operation.instance]);
    if (operation.instance.empty()) continue;
    safety[operation.instance] = operation.before;
    if (name == undo_ref(operation.instance)) values.push_back(operation.before);
  }
  std::reverse(values.begin(), values.end());
  for (const Oid& id : reflog_values(impl_.repository.path(), name)) values.push_back(id);
  return values;
}

void RefMend::restore(const std::string& name, const Oid& now) {
  const std::vector<Oid> values = former_values(name);
  // A pod that was deleted, and of which a piece of a file is left.
  if (!values.empty() && values.front().is_zero()) return give_up(name, now);
  for (const Oid& id : values) {
    if (id.is_zero() || !is_commit(id)) continue;
    impl_.repository.restore_ref(name, id);
    std::string line = "restored ref " + quote(name) + " to " + id.hex();
    if (id != values.front()) line += "; it was at " + values.front().hex() + ", which is lost";
    done_.push_back(std::move(line));
    return;
  }
  give_up(name, now);
}

/// A branch stays as it is, unless the pod was deleted: it is all that is known of it. What was kept for undo is of no
/// use without its commit.
void RefMend::give_up(const std::string& name, const Oid& now) {
  const std::vector<Oid> values = former_values(name);
  const bool was_deleted = !values.empty() && values.front().is_zero();
  if (!name.starts_with("refs/pod/") && !was_deleted) return;
  const fs::path file = impl_.repository.path() / name;
  if (now.is_zero()) {
    if (!quarantine_.move(file)) return;
  } else {
    impl_.repository.update_ref(name, now, Oid(), "lost");
  }
  done_.push_back("removed ref " + quote(name) + (now.is_zero() ? "" : ", which was at " + now.hex()) +
                  ": nothing it could name is left");
}

void RefMend::restore_missing_pods() {
  std::map<std::string, Oid> said;
  for (const Operation& operation : operations_)
    if (operation.ref.starts_with(branches)) said[operation.ref] = operation.after;
  for (const auto& [name, value] : said) {
    if (value.is_zero()) continue;
    try {
      if (impl_.repository.find_ref(name)) continue;
    } catch (const Error&) {
      continue;  // broken, and nothing can be done
    }
    // The last one may have been announced and not made: then nobody was told so, and making it is as good.
    restore(name, Oid());
  }
}

/// Where the journal lost lines, or stock git moved a branch.
void RefMend::note_moves() {
  const Operation* open = operations_.empty() ? nullptr : &operations_.back();
  for (const git::Ref& ref : impl_.repository.refs(branches, [](const std::string&) {})) {
    if (!is_commit(ref.target)) continue;
    std::optional<Oid> said;
    for (const Operation& operation : operations_)
      if (operation.ref == ref.name) said = operation.after;
    if (said == ref.target || (open != nullptr && open->ref == ref.name && open->before == ref.target)) continue;
    Operation note;
    note.time = context_.clock->now();
    note.who = who_runs();
    impl_.journal.note(ref.name, ref.target, ref.name.substr(branches.size()), note, impl_.least_id());
    done_.push_back("took note in the journal that ref " + quote(ref.name) + " is at " + ref.target.hex());
  }
}

void RefMend::rename_strays() {
  for (const git::Ref& stray : stray_kept_refs(impl_.repository.refs(kept, [](const std::string&) {}), operations_)) {
    const auto operation = std::find_if(operations_.begin(), operations_.end(), [&](const Operation& each) {
      return each.before == stray.target && !impl_.kept_commit(each.id);
    });
    if (operation == operations_.end()) continue;
    impl_.keep(operation->id, stray.target);
    impl_.repository.update_ref(stray.name, stray.target, Oid(), "kept elsewhere");
    done_.push_back("moved ref " + quote(stray.name) + " to the number of its operation, " +
                    std::to_string(operation->id));
  }
}

std::unordered_set<Oid> RefMend::reachable_commits() const {
  std::unordered_set<Oid> seen;
  std::vector<Oid> open;
  for (const git::Ref& ref : impl_.repository.refs("refs/", [](const std::string&) {})) open.push_back(ref.target);
  while (!open.empty()) {
    context_.cancel->check();
    const Oid id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    try {
      for (const Oid& parent : impl_.repository.commit(id).parents) open.push_back(parent);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
    }
  }
  return seen;
}

void RefMend::keep_for_undo() {
  const std::unordered_set<Oid> reachable = reachable_commits();
  // What a gc removed on purpose stays removed.
  struct stat last_gc {};
  const bool any_gc = ::stat((impl_.repository.path() / "pod" / "gc").c_str(), &last_gc) == 0;
  const std::int64_t oldest =
      std::max<std::int64_t>(context_.clock->now().seconds - undo_seconds, any_gc ? last_gc.st_mtime : 0);
  for (const Operation& operation : operations_) {
    const Oid& id = operation.before;
    if (id.is_zero() || reachable.contains(id) || operation.time.seconds < oldest || !is_commit(id)) continue;
    if (impl_.kept_commit(operation.id)) continue;
    impl_.keep(operation.id, id);
    done_.push_back("kept " + id.hex() + " again, so that operation " + std::to_string(operation.id) +
                    " can be undone");
  }
}

}  // namespace pod::store
