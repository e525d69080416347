// What the commands that talk to a remote share: which one, how it is opened, and how a row of theirs is told.
#pragma once

#include "command.hpp"

#include <libpod/remote.hpp>

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace podgit {

/// `--remote NAME`.
void declare_remote(CLI::App& app, std::string& remote);
/// `--remote[=NAME]`, for what is done at a remote instead of here; empty for the one that is chosen.
void declare_at_remote(CLI::App& app, std::optional<std::string>& remote);
/// `--depth N`.
struct DepthOption {
  void declare(CLI::App& app);
  pod::FetchOptions options() const;
  std::size_t number = 0;
  bool all = false;
};
/// `flag`, else the remote that the pods were last pushed to or pulled from, else the only one, else origin.
/// Error(not_found) that says how one is named.
std::string choose_remote(const pod::Store& store, const std::string& flag, const std::vector<pod::PodName>& pods);

/// Keys from the environment and from AWS's own files; asked for when a bucket is opened.
pod::RemoteOptions remote_options();

std::vector<pod::PodName> parse_pods(const std::vector<std::string>& names);

/// Of a row that failed; else null.
Json error_json(const std::optional<pod::Error>& error);
Json json_of(const pod::PodPush& push);
Json json_of(const pod::PodFetch& fetch);
/// "shop:3 -> origin  2 versions, 34 objects, 1.2 MiB"
std::string line_of(const pod::PodPush& push, const std::string& remote, bool dry_run);
std::string line_of(const pod::PodFetch& fetch, const std::string& remote);

/// Nothing, where every row went well. The error of the only row is thrown; of several, each is told, and the command
/// ends as partly done, or as the first of them where none went well.
template <class Row>
Outcome outcome_of(Session& session, const std::vector<Row>& rows, Json data);

}  // namespace podgit
