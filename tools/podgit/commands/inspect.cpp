#include "commands.hpp"

#include "command.hpp"
#include "inspect/listing.hpp"
#include "inspect/snapshot_reader.hpp"
#include "inspect/terminal_ability.hpp"
#include "inspect/terminal_view.hpp"
#include "options.hpp"
#include "resource_json.hpp"
#include "side.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <unistd.h>

namespace podgit {
namespace {

using inspect::Content;

/// Where `--at` points: a state file, and a path in its document.
struct Place {
  pod::StatePath file;
  std::string path;
};

class Inspect final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "inspect",
        "[--format FORMAT] [--at PATH] POD[:N]|SOURCE [TEXT]",
        "look into a version, an instance, a directory or an archive",
        "podgit inspect shop                        # a browser, in a terminal\n"
        "podgit inspect shop:3 orders --format table\n"
        "podgit inspect http://localhost:4566 --service sqs\n"
        "podgit inspect shop --at sqs/queue/orders  # the fields of a resource\n"
        "podgit inspect world.zip --json",
        "Lists the resources that the state files hold: buckets, queues, tables. TEXT and the options narrow the list. "
        "In a "
        "terminal it opens a browser (? lists its keys); elsewhere, or with --format, it prints a tree, a table, or "
        "the "
        "JSON that --json wraps. Nothing of the state is run.\n"
        "\n"
        "--at takes SERVICE/TYPE/NAME, or the path of a state file, with a path in it behind: "
        "api_states/000000000000/sqs/us-east-1/backend.state/queues. Secrets are masked; --reveal shows them, in JSON "
        "only.",
        ""};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, what_, "POD", "POD[:N]|SOURCE", "the version, instance, directory or archive");
    app.add_option("TEXT", selection_.text, "only resources with this in name, type or ARN")->type_name("TEXT");
    app.add_option("--format", format_, "tree, table or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"tree", "table", "json"}).description(""));
    services_.declare(app, "only these services", "--service,");
    app.add_option("-t,--type", selection_.types, "only resources of this type")
        ->type_name("TYPE")
        ->type_size(1)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--at", at_, "the fields below a state file or a resource")->type_name("PATH");
    app.add_option("--depth", depth_, "how deep --at goes; else 3")->type_name("N")->check(positive_number());
    app.add_flag("--reveal", reveal_, "show secrets, with --at and as JSON");
  }

  Outcome run(Session& session) override {
    if (reveal_ && (at_.empty() || !as_json(session)))
      throw_usage("--reveal goes with --at and --format json (or --json)", "podgit help inspect");
    selection_.services = services_.services();
    Side side = side_of(session, what_);
    if (!at_.empty()) return show_fields(session, side);
    if (!session.json() && format_.empty() && inspect::can_browse()) return browse(session, std::move(side));
    const Content content(inspect::title_of(side), selection_.of(pod::inventory(side.snapshot, session.context())));
    Json data = {{"source", json_text(side.name)}, {"version", version_json(side)}};
    if (session.json() || format_ == "json") data.update(json_of(content.inventory()));
    if (session.json()) return {.data = std::move(data)};
    session.page();
    if (format_ == "json")
      session.out().line(data.dump(2, ' ', true));
    else if (format_ == "table")
      inspect::print_table(session, content);
    else
      inspect::print_tree(session, content);
    if (content.items().empty()) session.note("no resource" + std::string(selection_.everything() ? "" : " matches"));
    return {.data = std::move(data)};
  }

 private:
  bool as_json(const Session& session) const { return session.json() || format_ == "json"; }

  Outcome browse(Session& session, Side side) {
    inspect::Browser::Options options{inspect::glyphs_of_terminal(), std::exchange(selection_.text, {})};
    inspect::SnapshotReader reader(session, std::move(side), selection_);
    inspect::Browser browser(reader.content(), reader, std::move(options));
    session.settle();
    inspect::browse(browser, use_colour(STDOUT_FILENO, session.options().colour), *session.context().cancel);
    return {};
  }

  /// The longest state file that `--at` begins with, or the one resource that SERVICE/TYPE/NAME names.
  Place place_of(Session& session, const Side& side) const {
    for (std::size_t end = at_.size(); end != std::string::npos && end > 0; end = at_.rfind('/', end - 1)) {
      try {
        const auto path = pod::StatePath::parse(at_.substr(0, end));
        if (side.snapshot.find(path)) return {path, at_.substr(end)};
      } catch (const pod::Error& error) {
        if (error.code() != pod::ErrorCode::invalid_argument) throw;
      }
      if (end == 0) break;
    }
    const std::size_t type_at = at_.find('/');
    const std::size_t name_at = type_at == std::string::npos ? type_at : at_.find('/', type_at + 1);
    std::vector<Place> found;
    if (name_at != std::string::npos) {
      const std::string_view text = at_;
      const pod::Inventory all = selection_.of(pod::inventory(side.snapshot, session.context()));
      for (const pod::StateReading& file : all.files)
        for (const pod::Resource& resource : file.resources)
          if (file.service == text.substr(0, type_at) &&
              resource.type == text.substr(type_at + 1, name_at - type_at - 1) &&
              resource.id == text.substr(name_at + 1))
            found.push_back({file.path, resource.path});
    }
    if (found.size() == 1) return found.front();
    if (found.empty())
      throw pod::Error(pod::ErrorCode::not_found, fmt::format("{} has nothing at {}", side.name, pod::quote(at_)))
          .hint("podgit inspect " + what_ + " --format table lists what there is");
    throw pod::Error(pod::ErrorCode::invalid_argument,
                     fmt::format("{} names {}", pod::quote(at_), counted_places(found.size())))
        .hint("name one: --at " + pod::printable(found.front().file.str() + found.front().path));
  }

  static std::string counted_places(std::size_t number) { return fmt::format("{} resources", number); }

  Outcome show_fields(Session& session, const Side& side) const {
    const Place place = place_of(session, side);
    const pod::Document document = pod::Document::read(side.snapshot, place.file, session.context());
    Json data = {{"source", json_text(side.name)},
                 {"version", version_json(side)},
                 {"file", json_text(place.file.str())},
                 {"path", json_text(place.path)}};
    if (as_json(session)) data["content"] = Json::parse(document.json(place.path, reveal_));
    if (session.json()) return {.data = std::move(data)};
    session.page();
    if (as_json(session))
      session.out().line(data["content"].dump(2, ' ', true));
    else
      inspect::print_fields(session, document, place.path, depth_);
    return {.data = std::move(data)};
  }

  std::string what_;
  std::string format_;
  std::string at_;
  ServiceOption services_;
  inspect::Selection selection_;
  std::size_t depth_ = 3;
  bool reveal_ = false;
};

}  // namespace

std::unique_ptr<Command> make_inspect() { return std::make_unique<Inspect>(); }

}  // namespace podgit
