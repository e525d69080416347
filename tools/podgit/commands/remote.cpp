#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <filesystem>

namespace podgit {
namespace {

Json json_of(const pod::RemoteInfo& remote) { return {{"name", remote.name}, {"url", json_text(remote.url)}}; }

class RemoteAdd final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "remote add",
        "NAME URL",
        "name a place where a team shares pods",
        "podgit remote add origin file:///srv/pods\n"
        "podgit remote add origin s3://team-pods/shop\n"
        "podgit push shop",
        "A folder that several people see, or a bucket that they have keys for. Keys are "
        "never part of the URL: they come from AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or from the profile that AWS_PROFILE names; AWS_REGION and "
        "AWS_ENDPOINT_URL_S3 say where the bucket is. Nothing is asked of the place until the "
        "first push or fetch. git knows the same remote, as pod::URL.",
        "the configuration is as it was"};
    return text;
  }
  void declare(CLI::App& app) override {
    declare_positional(app, remote_.name, "NAME", "NAME", "what it is called here");
    declare_positional(app, remote_.url, "URL", "URL", "file:///path or s3://bucket/prefix");
  }
  Outcome run(Session& session) override {
    // A folder may be named as it is seen from here.
    const bool plain = remote_.url.find(':') == std::string::npos;
    const std::string url =
        plain && !remote_.url.empty() ? std::filesystem::absolute(remote_.url).string() : remote_.url;
    pod::parse_remote_url(url);
    const pod::RemoteInfo added = pod::add_remote(session.store_to_fill(false), {remote_.name, url});
    if (!session.json() && !session.options().quiet)
      session.out().line(fmt::format("added {}  {}", added.name, pod::printable(added.url)));
    session.hint("podgit push POD shares a pod there");
    return {.data = {{"remote", json_of(added)}}};
  }

 private:
  pod::RemoteInfo remote_;
};

class RemoteList final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"remote list",
                                  "",
                                  "list the remotes of the store",
                                  "podgit remote list",
                                  "One line a remote: name and URL.",
                                  ""};
    return text;
  }
  void declare(CLI::App&) override {}
  Outcome run(Session& session) override {
    std::vector<pod::RemoteInfo> all;
    if (const pod::Store* store = session.find_store()) all = pod::remotes(*store);
    Json list = Json::array();
    Table table({{"REMOTE"}, {"URL"}});
    for (const pod::RemoteInfo& remote : all) {
      table.add({remote.name, pod::printable(remote.url)});
      list.push_back(json_of(remote));
    }
    if (all.empty()) {
      session.note("no remotes yet");
      session.hint("podgit remote add origin URL names one");
    } else if (!session.json()) {
      session.print(table);
    }
    return {.data = {{"remotes", std::move(list)}}};
  }
};

class RemoteRemove final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"remote remove",
                                  "NAME",
                                  "forget a remote",
                                  "podgit remote remove origin",
                                  "What is stored there stays there. What this store knows of it (origin/POD) goes.",
                                  "the remote is still known"};
    return text;
  }
  void declare(CLI::App& app) override { declare_positional(app, name_, "NAME", "REMOTE", "the remote"); }
  Outcome run(Session& session) override {
    pod::Store& store = session.store_to_change();
    const pod::RemoteInfo remote = pod::remote_named(store, name_);
    pod::remove_remote(store, name_);
    if (!session.json() && !session.options().quiet)
      session.out().line(fmt::format("removed {}  {}", remote.name, pod::printable(remote.url)));
    return {.data = {{"remote", json_of(remote)}}};
  }

 private:
  std::string name_;
};

}  // namespace

std::unique_ptr<Command> make_remote_add() { return std::make_unique<RemoteAdd>(); }
std::unique_ptr<Command> make_remote_list() { return std::make_unique<RemoteList>(); }
std::unique_ptr<Command> make_remote_remove() { return std::make_unique<RemoteRemove>(); }

}  // namespace podgit
