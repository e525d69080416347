#include "commands.hpp"

#include "command.hpp"
#include "durations.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <optional>

namespace podgit {
namespace {

class Gc final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "gc",
        "[--dry-run] [--grace TIME] [--remote[=NAME]]",
        "pack the history tightly and remove what nothing refers to",
        "podgit gc --dry-run          # what it would win\n"
        "podgit gc\n"
        "podgit gc --grace 0d         # removes what nothing refers to at once\n"
        "podgit gc --remote           # there: what no pod has needed for a week",
        "The versions of each file come together in one pack, the older ones as what they have\n"
        "otherwise than the next newer one. Objects that nothing refers to are kept for 14 days,\n"
        "old tips and safety versions for 30, but for those that podgit undo would need now.\n\n"
        "Other commands may read and commit meanwhile. Nothing runs it by itself; podgit doctor\n"
        "says when it is worth its while.\n\n"
        "With --remote it takes away there what no pod has needed for seven days, by the\n"
        "remote's clock. Others may push and fetch meanwhile.",
        "no version is lost"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_dry_run(app, dry_run_);
    declare_at_remote(app, remote_);
    app.add_option("--grace", grace_, "keep what nothing refers to this long: 90m, 12h, 14d; 14d unless given")
        ->type_name("TIME");
  }

  Outcome run(Session& session) override {
    if (remote_) return collect_at_remote(session);
    pod::GcOptions options;
    options.dry_run = dry_run_;
    if (!grace_.empty()) options.grace = parse_duration(grace_, "--grace");
    pod::Store& store = dry_run_ ? session.store_to_read() : session.store_to_change();
    const auto start = std::chrono::steady_clock::now();
    const pod::GcResult result = store.gc(options, session.context());
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    if (!session.json() && (dry_run_ || !session.options().quiet)) report(session, result, time);
    return {.data = {{"dryRun", dry_run_},
                     {"nothingNew", result.nothing_new},
                     {"bytesBefore", result.bytes_before},
                     {"bytesAfter", result.bytes_after},
                     {"packsBefore", result.packs_before},
                     {"packsAfter", result.packs_after},
                     {"looseObjects", result.loose_objects},
                     {"objects", result.objects},
                     {"deltas", result.deltas},
                     {"undoRemoved", result.undo_removed},
                     {"unreachable",
                      {{"kept", json_of(result.young)},
                       {"nextDue", result.next_due ? Json(utc_time(*result.next_due)) : Json(nullptr)},
                       {"removed", json_of(result.held_back ? pod::GcResult::Objects{} : result.due)},
                       {"heldBack", json_of(result.held_back ? result.due : pod::GcResult::Objects{})}}}}};
  }

 private:
  Outcome collect_at_remote(Session& session) const {
    if (!grace_.empty()) throw_usage("--grace does not go with --remote: seven days hold there", "podgit gc --remote");
    const pod::Store& store = session.store_to_read();
    const std::string remote = choose_remote(store, *remote_, {});
    const pod::RemoteGarbage garbage =
        pod::collect_remote_garbage(store, remote, dry_run_, remote_options(), session.context());
    if (!session.json() && (dry_run_ || !session.options().quiet))
      session.out().line(fmt::format("{}  {} {}, {}; {} kept", remote, dry_run_ ? "would remove" : "removed",
                                     counted(garbage.removed, "object"), human_size(garbage.bytes), garbage.kept));
    return {.data = {{"remote", remote},
                     {"dryRun", dry_run_},
                     {"removed", {{"objects", garbage.removed}, {"bytes", garbage.bytes}}},
                     {"kept", garbage.kept}}};
  }

  static Json json_of(const pod::GcResult::Objects& objects) {
    return {{"objects", objects.objects}, {"bytes", objects.bytes}};
  }

  void report(Session& session, const pod::GcResult& result, std::chrono::milliseconds time) const {
    Output& out = session.out();
    if (result.nothing_new) {
      out.line(fmt::format("nothing to do: {} in {}, as the last gc left it", human_size(result.bytes_after),
                           counted(result.packs_after, "pack")));
      return;
    }
    out.line(fmt::format("{} {} -> {}  in {}  {}", dry_run_ ? "would pack" : "packed", human_size(result.bytes_before),
                         human_size(result.bytes_after), counted(result.packs_after, "pack"), human_duration(time)));
    if (result.due.objects > 0)
      out.line(fmt::format("{} {}, {}: nothing refers to {}",
                           result.held_back ? "kept, though due:"
                           : dry_run_       ? "would remove"
                                            : "removed",
                           counted(result.due.objects, "object"), human_size(result.due.bytes),
                           result.due.objects == 1 ? "it" : "them"));
    if (result.held_back) session.hint("another command was at work; the next gc removes them");
    if (result.young.objects > 0)
      out.line(fmt::format("kept {} that nothing refers to, {}; the first is due {}",
                           counted(result.young.objects, "object"), human_size(result.young.bytes),
                           result.next_due ? short_time(*result.next_due) : "with what needs it"));
    if (result.undo_removed > 0)
      out.line(fmt::format("{} {} of more than 30 days ago", dry_run_ ? "would forget" : "forgot",
                           counted(result.undo_removed, "old tip or safety version")));
  }

  std::string grace_;
  std::optional<std::string> remote_;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_gc() { return std::make_unique<Gc>(); }

}  // namespace podgit
