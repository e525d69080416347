#include "flow/instance_archive.hpp"
#include "flow/placing.hpp"
#include "flow/service_choice.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

#include <algorithm>
#include <optional>

namespace pod {
namespace {

Operation newest(const store::Engine& engine) {
  std::vector<Operation> operations = engine.operations(1);
  if (operations.empty()) throw Error(ErrorCode::not_found, "there is nothing to undo");
  return std::move(operations.front());
}

std::string name_of(const Operation& operation) {
  return "operation " + std::to_string(operation.id) + " (" + printable(operation.verb) + " " +
         printable(operation.what) + ")";
}

/// An inject, and an undo of one, has an instance instead of a ref.
bool moved_an_instance(const Operation& operation) { return !operation.instance.empty(); }

/// What the journal says of the operation that reverts `undone`; the third in a row reads as the first.
std::string reverse_of(const Operation& undone) {
  constexpr std::string_view mark = "undo of ";
  if (undone.what.starts_with(mark)) return undone.what.substr(mark.size());
  if (undone.undoes != 0 || moved_an_instance(undone)) return std::string(mark) + undone.what;
  return undone.verb + " " + undone.what;
}

/// The ref goes back by compare-and-swap.
void undo_ref(store::Engine& engine, UndoResult& result, bool dry_run, const Context& context) {
  std::optional<store::WriterLock> lock;
  if (!dry_run) {
    lock.emplace(engine.lock(context));
    const std::int64_t seen = result.undone.id;
    result.undone = newest(engine);
    if (result.undone.id != seen)
      throw Error(ErrorCode::conflict, "another operation came first: " + name_of(result.undone))
          .keeping("nothing was undone")
          .hint("run it again to undo that one");
  }
  const Operation& undone = result.undone;
  const Oid now = engine.repository().find_ref(undone.ref).value_or(Oid());
  if (now != undone.after)
    throw Error(ErrorCode::conflict, name_of(undone) + " cannot be undone")
        .because(quote(undone.ref) + " has been moved since, by something that is not podgit")
        .keeping("nothing was changed");
  if (dry_run) return;
  Operation reverse;
  reverse.verb = "undo";
  reverse.what = reverse_of(undone);
  reverse.ref = undone.ref;
  reverse.before = undone.after;
  reverse.after = undone.before;
  reverse.undoes = undone.id;
  result.operation = engine.append(*lock, std::move(reverse), context);
}

/// What the instance held goes back into it; what it holds now is saved first, so that undo again is redo.
void undo_inject(store::Engine& engine, UndoResult& result, const Author& author,
                 const InstanceOptions& instance_options, bool dry_run, const Context& context) {
  const Operation& undone = result.undone;
  if (undone.before.is_zero())
    throw Error(ErrorCode::not_found, name_of(undone) + " cannot be undone").because("no safety version was taken");
  const Source target = Source::parse(undone.instance, instance_options);
  flow::require_instance(target);
  const git::Commit safety = engine.repository().commit(undone.before);
  const Snapshot snapshot(std::make_shared<const snapshot::TreeView>(engine.repository().objects(), safety.tree));
  const flow::Placing placing{.snapshot = snapshot,
                              .info = flow::choose_services(snapshot, {}, "the safety version"),
                              .commit = undone.before,
                              .version = {},
                              .what = reverse_of(undone),
                              .url = undone.instance,
                              .strategy = Strategy::overwrite,
                              .author = author,
                              .trust = {.name = {}, .of_review = true},  // it was in the instance
                              .keep_safety_version = true,
                              .undoes = undone.id};
  instance::HttpInstance instance(target, context);
  flow::require_match(placing.info, instance.status(), "the safety version", context);
  if (dry_run) {
    (void)flow::rehearse(engine, instance, placing, result.services, context);
    return;
  }
  flow::Placed placed = flow::place(engine, instance, placing, false, context);
  result.services = std::move(placed.services);
  if (placed.operation) result.operation = std::move(*placed.operation);
}

}  // namespace

bool UndoResult::partial() const {
  return std::any_of(services.begin(), services.end(), [](const ServiceOutcome& outcome) { return !outcome.ok; });
}

UndoResult undo(Store& store, const Author& author, const InstanceOptions& instance_options, bool dry_run,
                const Context& context) {
  store::Engine& engine = store.engine();
  UndoResult result;
  if (!dry_run) (void)engine.lock(context);  // repairs first: the newest line may be that of a killed writer
  result.undone = newest(engine);
  if (moved_an_instance(result.undone))
    undo_inject(engine, result, author, instance_options, dry_run, context);
  else
    undo_ref(engine, result, dry_run, context);
  return result;
}

}  // namespace pod
