#include "commands.hpp"

#include "command.hpp"
#include "environment.hpp"
#include "finding_lines.hpp"
#include "measures.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <sys/statvfs.h>
#include <algorithm>
#include <filesystem>

namespace podgit {
namespace {

using Level = pod::Finding::Level;

constexpr std::uint64_t little_space = 1ULL << 30;
constexpr std::uint64_t no_space = 16ULL << 20;

class Doctor final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"doctor",
                                  "[--deep]",
                                  "check the store, the settings and the instance",
                                  "podgit doctor\n"
                                  "podgit doctor --deep       # reads every object of the store too",
                                  "One line a check: ok, warn or fail, and what to do. Exit code 1 where something\n"
                                  "fails. An instance that does not run is no failure. The checks of the store are\n"
                                  "those of podgit fsck --quick; podgit fsck says more, and repairs.",
                                  ""};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_flag("--deep", deep_, "read every object of the store");
    app.add_option("--instance", instance_, "the instance to look for")->type_name("URL");
  }

  Outcome run(Session& session) override {
    session_ = &session;
    add(Level::ok, "version",
        fmt::format("podgit {}, libpod {}, store format {}", PODGIT_VERSION, pod::version(), pod::store_format()));
    check_clock();
    check_store();
    check_settings();
    check_instance();
    const bool failed =
        std::any_of(findings_.begin(), findings_.end(), [](const auto& f) { return f.level == Level::fail; });
    return {.data = {{"checks", json_list(findings_)}}, .exit = failed ? exit_status::failure : exit_status::done};
  }

 private:
  void add(Level level, std::string check, std::string detail, std::string fix = "") {
    add(pod::Finding{level, std::move(check), std::move(detail), std::move(fix), {}, {}, 0});
  }

  /// Shown at once: a deep check of a large store takes its time.
  void add(pod::Finding finding) {
    if (!session_->json()) print_finding(*session_, finding);
    findings_.push_back(std::move(finding));
  }

  void add_failure(std::string check, Level level) {
    const Failure failure = current_failure();
    if (failure.exit == exit_status::interrupted) throw;
    std::string detail = failure.message;
    for (const std::string& cause : failure.causes) detail += "; " + cause;
    add(level, std::move(check), std::move(detail), failure.actions.empty() ? "" : failure.actions.front());
  }

  void check_clock() {
    now_ = pod::SystemClock().now();
    // before this program was written, or far past it
    const bool sane = now_.seconds > 1'735'689'600 && now_.seconds < 4'102'444'800;
    add(sane ? Level::ok : Level::warn, "clock", long_time(now_), sane ? "" : "set the clock: versions carry its time");
  }

  void check_store() {
    try {
      const StoreLocation& place = session_->location();
      const std::string where = fmt::format("{} ({})", place.path.native(), place.why());
      const pod::Store* store = session_->find_store();
      if (store == nullptr) {
        add(Level::ok, "store", where + ", not made yet");
        return;
      }
      add(Level::ok, "store", where);
      for (pod::Finding& finding : store->check(deep_, session_->context())) add(std::move(finding));
      check_space(place.path);
      check_newest(*store);
    } catch (const std::exception&) {
      add_failure("store", Level::fail);
    }
  }

  void check_space(const std::filesystem::path& folder) {
    struct statvfs info {};
    if (statvfs(folder.c_str(), &info) != 0) return;
    const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    const Level level = free < no_space ? Level::fail : free < little_space ? Level::warn : Level::ok;
    add(level, "space", human_size(free) + " free", level == Level::ok ? "" : "make room where the store is");
  }

  void check_newest(const pod::Store& store) {
    std::optional<pod::Version> newest;
    for (pod::PodSummary& pod : store.pods())
      if (!newest || pod.latest.time.seconds > newest->time.seconds) newest = std::move(pod.latest);
    if (newest && newest->time.seconds > now_.seconds + 300)
      add(Level::warn, "clock", fmt::format("{} is of {}, which is to come", newest->str(), long_time(newest->time)),
          "set the clock of this machine, or of the one that made it");
  }

  void check_settings() {
    try {
      const Settings& settings = session_->settings();
      const std::string path = settings.user_file().path().native();
      if (settings.user_file().find("instance.token") && !settings.user_file().is_private())
        add(Level::fail, "config", path + " holds a token and others can read it", "chmod 600 " + path);
      else
        add(Level::ok, "config", path + (settings.user_file().exists() ? "" : " (not there)"));
      for (const std::string& key : settings.ignored())
        add(Level::warn, "config", key + " in the store's configuration is ignored", "podgit config unset " + key);
      for (const SettingKey& key : setting_keys())
        if (const auto set = key.secret ? std::nullopt : settings.find(key.name))
          add(Level::ok, "config", fmt::format("{} = {} ({})", key.name, set->value, set->origin));
      const pod::Author author = session_->author();
      add(Level::ok, "author", fmt::format("{} <{}>", author.name, author.email));
    } catch (const std::exception&) {
      add_failure("config", Level::fail);
    }
  }

  void check_instance() {
    try {
      const pod::Source instance = session_->instance(instance_);
      const auto status = pod::instance_status(instance, session_->context());
      std::string detail = fmt::format("{}: {} {}", instance.display(), status.emulator.name, status.emulator.version);
      if (!status.agent.empty()) detail += fmt::format(", pod-agent {}", status.agent);
      if (!status.emulator.python.empty()) detail += fmt::format(", Python {}", status.emulator.python);
      if (status.injected) detail += fmt::format(", holds {}", *status.injected);
      add(Level::ok, "instance", std::move(detail));
    } catch (const pod::Error& error) {
      add_failure("instance", error.code() == pod::ErrorCode::denied ? Level::fail : Level::warn);
    } catch (const std::exception&) {
      add_failure("instance", Level::fail);
    }
  }

  bool deep_ = false;
  std::string instance_;
  Session* session_ = nullptr;
  pod::Time now_;
  std::vector<pod::Finding> findings_;
};

}  // namespace

std::unique_ptr<Command> make_doctor() { return std::make_unique<Doctor>(); }

}  // namespace podgit
