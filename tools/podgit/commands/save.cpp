// save and load: the two words that users of cloud pods know, for what is otherwise commit and push, pull and inject.

#include "commands.hpp"

#include "command.hpp"
#include "commit_report.hpp"
#include "options.hpp"
#include "service_outcomes.hpp"
#include "step_options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <stdlib.h>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

namespace podgit {
namespace {

namespace fs = std::filesystem;

/// For a download; not /tmp, which may be memory.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = "/var/tmp/podgit-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      throw pod::Error(pod::ErrorCode::io, "cannot make a folder in /var/tmp")
          .because(std::generic_category().message(errno));
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

class Save final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"save",
                                  "[-m MSG] [--services a,b] [--remote NAME] POD",
                                  "commit what the instance holds, and push it",
                                  "podgit save shop\n"
                                  "podgit save shop -m \"after checkout\" --remote team",
                                  "The same as podgit commit POD and then podgit push POD. Where there is no remote it "
                                  "stays in this store. Where the push does not go through the version is made all the "
                                  "same, and podgit push POD sends it.",
                                  "the remote is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, pod_, "POD", "POD", "the pod that gets the version");
    flags_.declare(app);
    declare_remote(app, remote_);
  }

  Outcome run(Session& session) override {
    const auto pod = pod::PodName::parse(pod_);
    pod::Store& store = session.store_to_fill(false);
    const bool shared = !remote_.empty() || !pod::remotes(store).empty();
    const std::string remote = shared ? choose_remote(store, remote_, {pod}) : std::string();
    const pod::Source source = flags_.source(session);
    const auto result = pod::commit(store, pod, source, flags_.options(session), session.context());
    Outcome committed = report_commit(session, store, pod, result,
                                      {.dry_run = false, .source = source.is_instance() ? "emulator" : "source"});
    if (!shared) {
      session.hint("podgit remote add origin URL names a place to share it");
      committed.data["pushed"] = nullptr;
      return committed;
    }
    const auto rows = pod::push(store, remote, {pod}, {}, remote_options(), session.context());
    const pod::PodPush& row = rows.front();
    if (row.error) throw pod::Error(*row.error).keeping(fmt::format("{} is in this store", row.version->str()));
    if (!session.json() && !session.options().quiet) session.out().line(line_of(row, remote, false));
    committed.data["pushed"] = json_of(row);
    return committed;
  }

 private:
  std::string pod_;
  std::string remote_;
  CommitFlags flags_;
};

class Load final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "load",
        "[--into URL] [--strategy STRATEGY] POD[:N]|FILE|URL",
        "bring a pod or an archive, and put it into the running instance",
        "podgit load shop\n"
        "podgit load shop:3\n"
        "podgit load origin/shop:3      # without moving the own pod\n"
        "podgit load ./demo.zip         # as the pod demo\n"
        "podgit load https://example.org/pods/demo.zip --as tour",
        "The same as podgit pull POD and then podgit inject POD: for a pod that was pushed or "
        "pulled before, or that is not here yet. With REMOTE/ it is fetched, and the own pod "
        "stays. A pod that was never shared is put in as it is. What holds for podgit inject "
        "holds here.\n"
        "\n"
        "An archive (zip, tar.zst) becomes a version of the pod that --as names, else of one that "
        "is called as the file, if there is none yet or it holds the same; then that is put in, "
        "and podgit undo brings back what the instance held. A URL is https, or http inside the "
        "machine or a local network; what stands behind its ? is shown nowhere.",
        "the instance is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, what_, "POD", "POD[:N]|FILE|URL", "the version or the archive to put in");
    flags_.declare(app);
    app.add_option("--as", as_, "the pod that an archive becomes a version of")->type_name("POD");
  }

  Outcome run(Session& session) override {
    const bool archive = names_archive(what_);
    if (!archive && !as_.empty()) throw_usage("--as is for archives", "podgit load FILE --as POD");
    std::optional<pod::PodRef> ref;
    if (!archive) ref = pod::PodRef::parse(what_);
    if (ref && !ref->has_pod())
      throw_usage(fmt::format("{} is no version of a pod", pod::quote(what_)), "podgit help load");
    const pod::Source target = flags_.target(session);
    const pod::InjectOptions options = flags_.options(session);
    pod::Store& store = session.store_to_fill(false);
    const Json brought = ref ? bring(session, store, *ref) : Json(nullptr);
    const Json imported = archive ? take_archive(session, store, ref) : Json(nullptr);
    const auto result = pod::inject(store, *ref, target, options, session.context());
    report_failed_services(session, result.services);
    if (!session.json() && !session.options().quiet)
      session.out().line(
          fmt::format("{} -> {}  {}", result.version.str(), target.display(), pod::strategy_name(result.strategy)));
    if (result.safety_version) session.hint("podgit undo brings back what the instance held");
    Json data = {{"fetched", brought},
                 {"imported", imported},
                 {"version", json_of(result.version)},
                 {"instance", json_text(target.display())},
                 {"strategy", pod::strategy_name(result.strategy)},
                 {"services", json_list(result.services)},
                 {"undo", result.safety_version}};
    if (result.partial()) return Outcome::partly(std::move(data));
    return {.data = std::move(data)};
  }

 private:
  static bool is_url(std::string_view text) { return text.starts_with("https://") || text.starts_with("http://"); }

  /// A pod's name has no dot, so that a file with an ending is none.
  static bool names_archive(const std::string& text) {
    return is_url(text) || text.starts_with('/') || text.starts_with("./") || text.starts_with("../") ||
           text.ends_with(".zip") || text.ends_with(".tar.zst");
  }

  /// The archive becomes a version; `ref` says which.
  Json take_archive(Session& session, pod::Store& store, std::optional<pod::PodRef>& ref) const {
    const TemporaryFolder downloads;
    const fs::path file =
        is_url(what_) ? pod::download_archive(what_, downloads.path(), {}, session.context()) : fs::path(what_);
    const std::string shown = is_url(what_) ? pod::shown_url(what_) : what_;
    const pod::Source source = pod::Source::parse(file.string());
    if (source.kind() != pod::Source::Kind::archive)
      throw pod::Error(pod::ErrorCode::invalid_argument, pod::quote(shown) + " is not an archive file");
    const pod::PodName pod = as_.empty() ? name_of(file) : pod::PodName::parse(as_);
    pod::CommitOptions options;
    options.message = "from " + fs::path(shown).filename().string();
    options.author = session.author();
    options.verb = "import";
    options.dry_run = as_.empty() && store.find(pod::PodRef::latest(pod)).has_value();
    const auto result = pod::commit(store, pod, source, options, session.context());
    if (options.dry_run && !result.changes.empty())
      throw pod::Error(pod::ErrorCode::already_exists,
                       fmt::format("there is a pod {}, and it holds something else", pod::quote(pod.str())))
          .hint(fmt::format("podgit load FILE --as {} makes a version of it, another name another pod", pod.str()));
    ref = pod::PodRef::latest(pod);
    const pod::Version version = store.resolve(*ref);
    if (!session.json() && !session.options().quiet && result.created)
      session.out().line(fmt::format("{}  from {}, verdict {}", version.str(), pod::printable(shown),
                                     pod::verdict_name(result.verdict)));
    return {{"from", json_text(shown)}, {"created", result.created}, {"verdict", pod::verdict_name(result.verdict)}};
  }

  static pod::PodName name_of(const fs::path& file) {
    std::string name = file.filename().string();
    for (const std::string_view end : {".zip", ".tar.zst"})
      if (name.ends_with(end)) name.resize(name.size() - end.size());
    try {
      return pod::PodName::parse(name);
    } catch (pod::Error& error) {
      error.hint("--as POD says which pod it becomes a version of");
      throw;
    }
  }

  static Json bring(Session& session, pod::Store& store, const pod::PodRef& ref) {
    if (ref.remote()) {
      const auto rows = pod::fetch(store, *ref.remote(), {ref.pod()}, {}, remote_options(), session.context());
      if (rows.front().error) throw *rows.front().error;
      tell(session, rows.front(), *ref.remote());
      return json_of(rows.front());
    }
    const bool here = store.find(pod::PodRef::latest(ref.pod())).has_value();
    if (here ? !pod::upstream(store, ref.pod()) : pod::remotes(store).empty()) return nullptr;
    const std::string remote = choose_remote(store, {}, {ref.pod()});
    const pod::PodPull pulled = pod::pull(store, remote, ref.pod(), remote_options(), session.context());
    tell(session, pulled.fetched, remote);
    return json_of(pulled.fetched);
  }

  static void tell(Session& session, const pod::PodFetch& fetched, const std::string& remote) {
    if (!session.json() && !session.options().quiet && fetched.status != pod::FetchStatus::up_to_date)
      session.out().line(line_of(fetched, remote));
  }

  std::string what_;
  std::string as_;
  InjectFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_save() { return std::make_unique<Save>(); }
std::unique_ptr<Command> make_load() { return std::make_unique<Load>(); }

}  // namespace podgit
