#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <cstdint>
#include <filesystem>

namespace podgit {
namespace {

namespace fs = std::filesystem;

class Clone final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"clone",
                                  "[--depth N] URL [POD...]",
                                  "make a store with the pods that a team shares",
                                  "podgit clone s3://team-pods/shop\n"
                                  "podgit clone file:///srv/pods shop --store ./pods\n"
                                  "podgit clone --depth 1 s3://team-pods/shop   # the newest versions alone",
                                  "Makes the store that podgit uses here (podgit help environment), or the one that "
                                  "--store names, and names the remote origin there. The store appears when it is "
                                  "whole; a clone that was killed goes on when it is run again. Into a store that is "
                                  "there already, podgit remote add and podgit fetch bring the same.\n"
                                  "\n"
                                  "With --depth N the store has the newest N versions of each pod, under their own "
                                  "numbers, and does with them all that any store does; podgit fetch --unshallow "
                                  "brings the others.",
                                  "no store was made"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, url_, "URL", "URL", "file:///path or s3://bucket/prefix");
    app.add_option("POD", names_, "the pods; else all that the remote has")->type_name("POD");
    depth_.declare(app);
  }

  Outcome run(Session& session) override {
    const fs::path folder = fs::absolute(session.location().path).lexically_normal();
    pod::CloneOptions options;
    options.pods = parse_pods(names_);
    options.depth = depth_.options().depth;
    // A folder may be named as it is seen from here.
    const bool plain = url_.find(':') == std::string::npos;
    const std::string url = pod::parse_remote_url(plain && !url_.empty() ? fs::absolute(url_).string() : url_);
    std::error_code error;
    fs::create_directories(folder.parent_path(), error);
    const pod::CloneResult result = pod::clone(url, folder, options, remote_options(), session.context());
    Json list = Json::array();
    for (const pod::PodFetch& row : result.pods) {
      list.push_back(json_of(row));
      if (!session.json() && !session.options().quiet) session.out().line(line_of(row, options.remote));
    }
    std::uint64_t there = 0;
    for (const pod::PodFetch& row : result.pods)
      if (!row.error) ++there;
    if (!session.json() && !session.options().quiet)
      session.out().line(
          fmt::format("made a store at {} with {}", pod::printable(folder.native()), counted(there, "pod")));
    return outcome_of(session, result.pods,
                      {{"store", json_text(folder.native())}, {"url", json_text(url)}, {"pods", std::move(list)}});
  }

 private:
  std::string url_;
  std::vector<std::string> names_;
  DepthOption depth_;
};

}  // namespace

std::unique_ptr<Command> make_clone() { return std::make_unique<Clone>(); }

}  // namespace podgit
