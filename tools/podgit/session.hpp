// What a command works with: its options' surroundings (store, instance, author), and the two streams it talks on.
//
// Thread word: one thread.
#pragma once

#include "errors.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "settings.hpp"
#include "store_location.hpp"
#include "table.hpp"
#include "terminal.hpp"

#include <libpod/libpod.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podgit {

/// Options that every command has.
struct GlobalOptions {
  std::string directory;
  std::optional<std::string> store;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_input = false;
  bool yes = false;
  bool no_pager = false;
  ColourChoice colour = ColourChoice::automatic;
  std::string progress = "auto";
  std::optional<double> timeout;  // seconds
};

class Session {
 public:
  Session(GlobalOptions options, const pod::CancelToken& cancel);
  ~Session();

  const GlobalOptions& options() const noexcept { return options_; }
  bool json() const noexcept { return options_.json; }
  pod::Context context();

  // Standard output. Progress ends with the first use.
  Output& out();
  std::string paint(std::string_view text, Colour colour) const { return painted(text, colour, colour_out_); }
  /// What was added since it was printed last.
  void print(Table& table);
  /// For commands whose answer is read, not piped.
  void page();

  // Standard error
  void note(std::string_view text);    // what was done on the way; not with -q or --json
  void hint(std::string_view text);    // what could be next; the same
  void detail(std::string_view text);  // with -v only
  void warn(std::string_view text);    // also in the envelope
  void fail(const Failure& failure);
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  /// Ends progress; before the process ends.
  void settle() { progress_.stop(); }

  // The store
  const StoreLocation& location();
  /// nullptr where the default store was not made yet.
  pod::Store* find_store();
  /// For readers: Error(not_found) that says how a first pod is made.
  pod::Store& store_to_read();
  pod::Store& store_to_change();
  /// Made now where it is missing; a dry run gets an empty one that goes with the session.
  pod::Store& store_to_fill(bool dry_run);

  // The user's settings
  const Settings& settings();
  pod::Author author();
  pod::Strategy strategy(const std::string& flag);
  /// `flag`, else the instance that is set, else http://localhost:4566.
  pod::Source source(const std::string& flag);
  /// The same, but it must be a running instance.
  pod::Source instance(const std::string& flag);
  pod::InstanceOptions instance_options();

  enum class Reversible { yes, no };
  /// Asks where somebody can answer; without a terminal goes on with what can be undone, and throws for the rest
  /// (CONFIRMATION_REQUIRED) unless --yes.
  void confirm(std::string_view question, Reversible reversible);
  /// A line of standard input that is not shown.
  std::string secret_line(std::string_view prompt);

 private:
  pod::Store& open(bool read_only);
  void say(std::string_view line);

  GlobalOptions options_;
  const pod::CancelToken& cancel_;
  bool colour_out_;
  bool colour_err_;
  Output out_;
  StderrProgress progress_;
  pod::SystemClock clock_;
  std::vector<std::string> warnings_;
  std::optional<StoreLocation> location_;
  std::optional<pod::Store> store_;
  bool store_read_only_ = false;
  std::filesystem::path temporary_store_;
  std::optional<Settings> settings_;
};

}  // namespace podgit
