#include "team.hpp"

#include "environment.hpp"
#include "measures.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <algorithm>

namespace podgit {
namespace {

std::string_view name_of(pod::PushStatus status) {
  switch (status) {
    case pod::PushStatus::up_to_date: return "upToDate";
    case pod::PushStatus::pushed: return "pushed";
    case pod::PushStatus::rejected: return "rejected";
    case pod::PushStatus::failed: break;
  }
  return "failed";
}

std::string_view name_of(pod::FetchStatus status) {
  switch (status) {
    case pod::FetchStatus::up_to_date: return "upToDate";
    case pod::FetchStatus::created: return "created";
    case pod::FetchStatus::updated: return "updated";
    case pod::FetchStatus::replaced: return "replaced";
    case pod::FetchStatus::deleted: return "deleted";
    case pod::FetchStatus::failed: break;
  }
  return "failed";
}

Json version_or_null(const std::optional<pod::Version>& version) { return version ? json_of(*version) : Json(nullptr); }
Json oid_or_null(const pod::Oid& id) { return id.is_zero() ? Json(nullptr) : Json(id.hex()); }

}  // namespace

Json error_json(const std::optional<pod::Error>& error) {
  if (!error) return nullptr;
  return {{"code", pod::code_name(error->code())}, {"message", json_text(error->message())}};
}

void declare_remote(CLI::App& app, std::string& remote) {
  app.add_option("--remote", remote, "the remote; else the one the pod came from or went to, else origin")
      ->type_name("REMOTE");
}

void declare_at_remote(CLI::App& app, std::optional<std::string>& remote) {
  app.add_option_function<std::string>(
         "--remote", [&remote](const std::string& name) { remote = name; }, "at a remote instead of here")
      ->type_name("REMOTE")
      ->expected(0, 1)
      ->default_str("");
}

void DepthOption::declare(CLI::App& app) {
  app.add_option("--depth", number, "only the newest N versions of each pod")->type_name("N")->check(positive_number());
}

pod::FetchOptions DepthOption::options() const {
  if (all) return {.depth = pod::all_versions};
  return {.depth = number > 0 ? std::optional(number) : std::nullopt};
}

std::string choose_remote(const pod::Store& store, const std::string& flag, const std::vector<pod::PodName>& pods) {
  if (!flag.empty()) return pod::remote_named(store, flag).name;
  std::optional<std::string> known;
  for (const pod::PodName& name : pods) {
    const auto remote = pod::upstream(store, name);
    if (!remote || (known && *remote != *known)) continue;
    known = remote;
  }
  const auto all = pod::remotes(store);
  const auto is_there = [&](const std::string& name) {
    return std::any_of(all.begin(), all.end(), [&](const pod::RemoteInfo& remote) { return remote.name == name; });
  };
  if (known && is_there(*known)) return *known;
  if (all.size() == 1) return all.front().name;
  return pod::remote_named(store, "origin").name;
}

pod::RemoteOptions remote_options() {
  return {.bucket_access = [](const std::string&) {
    return pod::aws_access([](const char* variable) { return environment(variable); });
  }};
}

std::vector<pod::PodName> parse_pods(const std::vector<std::string>& names) {
  std::vector<pod::PodName> pods;
  for (const std::string& name : names) {
    pods.push_back(pod::PodName::parse(name));
    if (std::count(pods.begin(), pods.end(), pods.back()) > 1) pods.pop_back();
  }
  return pods;
}

Json json_of(const pod::PodPush& push) {
  return {{"pod", push.pod.str()},
          {"status", name_of(push.status)},
          {"version", version_or_null(push.version)},
          {"before", oid_or_null(push.before)},
          {"forced", push.forced},
          {"versions", push.versions},
          {"objects", push.objects},
          {"packs", push.packs},
          {"bytesSent", push.bytes_sent},
          {"bytesFound", push.bytes_found},
          {"bytesShared", push.bytes_shared},
          {"error", error_json(push.error)}};
}

Json json_of(const pod::PodFetch& fetch) {
  return {{"pod", fetch.pod.str()},
          {"status", name_of(fetch.status)},
          {"version", version_or_null(fetch.version)},
          {"before", oid_or_null(fetch.before)},
          {"versions", fetch.versions},
          {"olderVersions", fetch.older_versions},
          {"objects", fetch.objects},
          {"packs", fetch.packs},
          {"bytesReceived", fetch.bytes_received},
          {"verdict", pod::verdict_name(fetch.verdict)},
          {"error", error_json(fetch.error)}};
}

std::string line_of(const pod::PodPush& push, const std::string& remote, bool dry_run) {
  const std::string name = push.version ? push.version->str() : push.pod.str();
  switch (push.status) {
    case pod::PushStatus::up_to_date: return fmt::format("{} = {}  up to date", name, remote);
    case pod::PushStatus::rejected: return fmt::format("{} ! {}  rejected", name, remote);
    case pod::PushStatus::failed: return fmt::format("{} ! {}  failed", name, remote);
    case pod::PushStatus::pushed: break;
  }
  std::string line =
      fmt::format("{}{} -> {}  {}, {}, {}", dry_run ? "would push " : "", name, remote,
                  counted(push.versions, "version"), counted(push.objects, "object"), human_size(push.bytes_sent));
  if (push.bytes_found > 0) line += fmt::format(", {} were there", human_size(push.bytes_found));
  if (push.bytes_shared > 0) line += fmt::format(", {} shared with other pods", human_size(push.bytes_shared));
  if (push.before.is_zero()) line += "  (new)";
  if (push.forced) line += "  (replaced)";
  return line;
}

std::string line_of(const pod::PodFetch& fetch, const std::string& remote) {
  const std::string theirs = fetch.version ? fmt::format("{}/{}:{}", remote, fetch.pod.str(), fetch.version->number)
                                           : fmt::format("{}/{}", remote, fetch.pod.str());
  const std::string verdict =
      fetch.verdict == pod::Verdict::accept ? "" : fmt::format("  {}", pod::verdict_name(fetch.verdict));
  switch (fetch.status) {
    case pod::FetchStatus::up_to_date:
      if (fetch.older_versions > 0)
        return fmt::format("{}  {}, {}, {}{}", theirs, counted(fetch.older_versions, "older version"),
                           counted(fetch.objects, "object"), human_size(fetch.bytes_received), verdict);
      return fmt::format("{}  up to date{}", theirs, verdict);
    case pod::FetchStatus::deleted: return fmt::format("{}  deleted there", theirs);
    case pod::FetchStatus::failed: return fmt::format("{}  failed", theirs);
    default: break;
  }
  std::string line = fmt::format("{}  {}, {}, {}", theirs, counted(fetch.versions, "version"),
                                 counted(fetch.objects, "object"), human_size(fetch.bytes_received));
  if (fetch.status == pod::FetchStatus::created) line += "  (new)";
  if (fetch.status == pod::FetchStatus::replaced) line += "  (replaced: what was seen before is no longer there)";
  return line + verdict;
}

template <class Row>
Outcome outcome_of(Session& session, const std::vector<Row>& rows, Json data) {
  const auto failed = std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.error.has_value(); });
  if (failed == 0) return {.data = std::move(data)};
  if (rows.size() == 1) throw *rows.front().error;
  for (const Row& row : rows) {
    if (!row.error) continue;
    std::string line = fmt::format("{}: {}", row.pod.str(), row.error->message());
    if (!row.error->next().empty()) line += fmt::format("; {}", row.error->next());
    session.warn(line);
  }
  if (static_cast<std::size_t>(failed) < rows.size()) return Outcome::partly(std::move(data));
  return {.data = std::move(data), .exit = pod::exit_code(rows.front().error->code()), .partial = true};
}

template Outcome outcome_of(Session&, const std::vector<pod::PodPush>&, Json);
template Outcome outcome_of(Session&, const std::vector<pod::PodFetch>&, Json);
template Outcome outcome_of(Session&, const std::vector<pod::RemotePod>&, Json);

}  // namespace podgit
