#include "session.hpp"

#include "environment.hpp"
#include "errors.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace podgit {
namespace {

namespace fs = std::filesystem;

ProgressMode progress_mode(const GlobalOptions& options) {
  if (options.quiet || options.progress == "never") return ProgressMode::none;
  if (options.progress == "plain") return ProgressMode::plain;
  return can_animate(STDERR_FILENO) ? ProgressMode::animated : ProgressMode::none;
}

/// Nothing is there, not even a dangling link. What cannot be looked at is not missing: opening it says why.
bool is_missing(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::not_found;
}

fs::path make_temporary_folder() {
  std::string name = (fs::temp_directory_path() / "podgit-dry-run-XXXXXX").native();
  if (mkdtemp(name.data()) == nullptr)
    throw pod::Error(pod::ErrorCode::io, "no temporary folder could be made").because(std::strerror(errno));
  return name;
}

}  // namespace

Session::Session(GlobalOptions options, const pod::CancelToken& cancel)
    : options_(std::move(options)),
      cancel_(cancel),
      colour_out_(use_colour(STDOUT_FILENO, options_.colour)),
      colour_err_(use_colour(STDERR_FILENO, options_.colour)),
      progress_(progress_mode(options_), [this](std::string_view message) { warn(message); }) {}

Session::~Session() {
  progress_.stop();
  store_.reset();
  std::error_code ignored;
  if (!temporary_store_.empty()) fs::remove_all(temporary_store_, ignored);
}

pod::Context Session::context() {
  pod::Context context;
  context.clock = &clock_;
  context.progress = &progress_;
  context.cancel = &cancel_;
  return context;
}

Output& Session::out() {
  progress_.stop();
  return out_;
}

void Session::print(Table& table) {
  const bool terminal = is_terminal(STDOUT_FILENO);
  out().write(table.take(terminal ? std::optional(terminal_width(STDOUT_FILENO)) : std::nullopt, colour_out_));
}

void Session::page() {
  if (!options_.no_pager && !options_.json) out().start_pager();
}

void Session::say(std::string_view line) {
  progress_.stop();
  out_.keep_order();
  const std::string text = std::string(line) + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = write(STDERR_FILENO, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Session::note(std::string_view text) {
  if (!options_.quiet && !options_.json) say(text);
}

void Session::hint(std::string_view text) {
  note(fmt::format("{}: {}", painted("hint", Colour::cyan, colour_err_), text));
}

void Session::detail(std::string_view text) {
  if (options_.verbose && !options_.json) say(fmt::format("podgit: {}", pod::printable(text)));
}

void Session::warn(std::string_view text) {
  warnings_.emplace_back(text);
  if (!options_.json) say(fmt::format("{}: {}", painted("warning", Colour::yellow, colour_err_), pod::printable(text)));
}

void Session::fail(const Failure& failure) {
  std::string text = failure_text(failure, colour_err_);
  text.pop_back();
  say(text);
}

const StoreLocation& Session::location() {
  if (!location_) {
    location_ = locate_store(options_.store);
    detail(fmt::format("store {} ({})", location_->path.native(), location_->why()));
  }
  return *location_;
}

pod::Store& Session::open(bool read_only) {
  if (!store_ || (store_read_only_ && !read_only)) {
    store_.reset();
    try {
      store_ = pod::Store::open(location().path, {.read_only = read_only});
    } catch (pod::Error& error) {
      if (error.code() == pod::ErrorCode::not_found && error.next().empty())
        error.hint(fmt::format("podgit init --store {} makes one", location().path.native()));
      throw;
    }
    store_read_only_ = read_only;
  }
  return *store_;
}

pod::Store* Session::find_store() {
  if (location().is_default() && is_missing(location().path)) return nullptr;
  return &open(true);
}

pod::Store& Session::store_to_read() {
  if (pod::Store* store = find_store()) return *store;
  throw pod::Error(pod::ErrorCode::not_found, "there are no pods yet")
      .because(fmt::format("the store {} is made by the first commit", pod::quote(location().path.native())))
      .hint("podgit commit POD");
}

pod::Store& Session::store_to_change() {
  if (find_store() == nullptr) return store_to_read();
  return open(false);
}

pod::Store& Session::store_to_fill(bool dry_run) {
  if (!is_missing(location().path)) return open(dry_run);
  if (dry_run) {
    temporary_store_ = make_temporary_folder();
    store_ = pod::Store::init(temporary_store_ / "store");
    return *store_;
  }
  // a folder that somebody named may be one that is not mounted now; its parents are not made up
  std::error_code ignored;
  if (location().is_default()) fs::create_directories(location().path.parent_path(), ignored);
  store_ = pod::Store::open_or_init(location().path);
  note(fmt::format("made a store at {}", pod::printable(location().path.native())));
  return *store_;
}

const Settings& Session::settings() {
  if (settings_) return *settings_;
  std::vector<std::pair<std::string, std::string>> of_store;
  if (!store_) try {
      find_store();
    } catch (const pod::Error&) {
      // a command that needs the store says what is wrong with it; the others do without its settings
    }
  if (store_) of_store = store_->config_entries();
  settings_.emplace(of_store, location_ ? (location_->path / "config").native() : "");
  for (const std::string& key : settings_->ignored())
    warn(fmt::format("{} in the store's configuration is ignored: it counts in your own file only", key));
  return *settings_;
}

pod::Author Session::author() {
  pod::Author author{settings().value("user.name").value_or(""), settings().value("user.email").value_or("")};
  if (!author.name.empty() && !author.email.empty()) return author;
  const Login user = login();
  if (author.name.empty()) author.name = user.full_name.empty() ? user.name : user.full_name;
  if (author.email.empty()) author.email = user.name + "@" + user.host;
  return author;
}

pod::Strategy Session::strategy(const std::string& flag) {
  if (!flag.empty()) return pod::parse_strategy(flag);
  const auto set = settings().find("inject.strategy");
  if (!set) return pod::Strategy::account_region_merge;
  try {
    return pod::parse_strategy(set->value);
  } catch (pod::Error& error) {
    error.because(fmt::format("it is set in {}", set->origin));
    throw;
  }
}

pod::InstanceOptions Session::instance_options() {
  pod::InstanceOptions out;
  if (options_.timeout)
    out.idle_timeout = std::chrono::milliseconds(static_cast<std::int64_t>(*options_.timeout * 1000));
  // looked up when asked: a file that others can read stops only those who need what is in it
  out.token = [settings = settings()] { return settings.value("instance.token"); };
  return out;
}

pod::Source Session::source(const std::string& flag) {
  std::string text = flag;
  if (text.empty()) text = settings().value("instance.url").value_or("http://localhost:4566");
  return pod::Source::parse(text, instance_options());
}

pod::Source Session::instance(const std::string& flag) {
  pod::Source found = source(flag);
  if (!found.is_instance())
    throw pod::Error(pod::ErrorCode::invalid_argument,
                     fmt::format("{} is not the URL of an instance", pod::quote(found.display())))
        .hint("an instance is named like http://localhost:4566");
  return found;
}

std::string Session::secret_line(std::string_view prompt) {
  progress_.stop();
  return read_secret_line(prompt, cancel_);
}

void Session::confirm(std::string_view question, Reversible reversible) {
  if (options_.yes) return;
  if (can_ask() && !options_.no_input) {
    progress_.stop();
    if (ask(question, cancel_)) return;
    throw_confirmation_needed("not confirmed", "");
  }
  if (reversible == Reversible::yes) return;
  throw_confirmation_needed(fmt::format("this cannot be undone and nobody can be asked: {}", question),
                            "say yes beforehand with --yes");
}

}  // namespace podgit
