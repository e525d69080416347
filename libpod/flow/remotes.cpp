// Remotes in the store's configuration, as git keeps them.

#include "flow/remote_memory.hpp"
#include "git/config_file.hpp"
#include "git/repository.hpp"
#include "store/engine.hpp"

#include <libpod/remote.hpp>

#include <algorithm>
#include <map>

namespace pod {
namespace {

constexpr std::string_view helper = "pod::";
constexpr std::size_t most_name = 64;
constexpr std::size_t most_url = 2048;

bool is_name_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

void check_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= most_name && name.front() != '.' && name.front() != '_' &&
                    name.front() != '-' && std::all_of(name.begin(), name.end(), is_name_byte) &&
                    name.find("..") == std::string_view::npos && name.back() != '.' && !name.ends_with(".lock");
  if (!good)
    throw Error(ErrorCode::invalid_argument, quote(name) + " is no name for a remote")
        .hint("letters, digits, \".\", \"_\" and \"-\", with a letter or digit first");
}

std::string key_of(std::string_view remote, std::string_view setting) {
  return "remote." + std::string(remote) + "." + std::string(setting);
}

std::string joined(const std::vector<RemoteInfo>& all) {
  std::string names;
  for (const RemoteInfo& remote : all) names += (names.empty() ? "" : ", ") + remote.name;
  return names;
}

std::string file_url(std::string_view path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return "file://" + text;
}

Error bad_url(std::string_view text, std::string why) {
  return Error(ErrorCode::invalid_argument, quote(text) + " is no place for a remote")
      .because(std::move(why))
      .hint("a folder (file:///srv/pods) or a bucket (s3://bucket/prefix)");
}

}  // namespace

std::string parse_remote_url(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with(helper)) rest.remove_prefix(helper.size());
  if (rest.empty() || rest.size() > most_url) throw bad_url(text, rest.empty() ? "it is empty" : "it is too long");
  if (std::any_of(rest.begin(), rest.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }))
    throw bad_url(text, "it has control bytes");
  const std::size_t colon = rest.find("://");
  if (colon == std::string_view::npos) {
    if (!rest.starts_with('/')) throw bad_url(text, "a folder is named by its whole path");
    return file_url(rest);
  }
  const std::string_view scheme = rest.substr(0, colon);
  const std::string_view place = rest.substr(colon + 3);
  if (scheme == "file") {
    if (!place.starts_with('/')) throw bad_url(text, "a folder is named by its whole path, file:///path");
    return file_url(place);
  }
  // Keys in a URL end up in configuration files, shells and logs: not in what is said here.
  if (place.find('@') != std::string_view::npos)
    throw Error(ErrorCode::invalid_argument, "keys do not belong into the URL of a remote")
        .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
  if (scheme != "s3") throw bad_url(text, "nobody knows how to reach " + quote(scheme));
  std::string bucket(place.substr(0, place.find('/')));
  std::string prefix = place.size() > bucket.size() ? std::string(place.substr(bucket.size() + 1)) : std::string();
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  const bool good_bucket = bucket.size() >= 3 && bucket.size() <= 63 &&
                           std::all_of(bucket.begin(), bucket.end(), [](char c) { return is_name_byte(c); });
  if (!good_bucket) throw bad_url(text, quote(bucket) + " is no name of a bucket");
  std::string_view left = prefix;
  while (!left.empty()) {
    const std::string_view segment = left.substr(0, left.find('/'));
    if (segment.empty() || segment == "." || segment == ".." ||
        !std::all_of(segment.begin(), segment.end(), is_name_byte))
      throw bad_url(text, "a prefix is made of letters, digits, \".\", \"_\" and \"-\" between single slashes");
    left.remove_prefix(std::min(left.size(), segment.size() + 1));
  }
  return "s3://" + bucket + (prefix.empty() ? "" : "/" + prefix);
}

std::vector<RemoteInfo> remotes(const Store& store) {
  std::map<std::string, std::string> found;  // the last value counts, as in git
  for (const auto& [key, value] : store.config_entries()) {
    if (!key.starts_with("remote.") || !key.ends_with(".url") || !value.starts_with(helper)) continue;
    found.insert_or_assign(key.substr(7, key.size() - 7 - 4), value.substr(helper.size()));
  }
  std::vector<RemoteInfo> all;
  for (auto& [name, url] : found) all.push_back({name, std::move(url)});
  return all;
}

RemoteInfo remote_named(const Store& store, std::string_view name) {
  std::vector<RemoteInfo> all = remotes(store);
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const RemoteInfo& remote) { return remote.name == name; });
  if (found != all.end()) return std::move(*found);
  Error error(ErrorCode::not_found, "there is no remote " + quote(name));
  if (all.empty())
    error.hint("podgit remote add " + std::string(name == "" ? "origin" : name) + " URL");
  else
    error.hint("there are " + joined(all));
  throw error;
}

RemoteInfo add_remote(Store& store, const RemoteInfo& remote) {
  check_name(remote.name);
  RemoteInfo added{remote.name, parse_remote_url(remote.url)};
  if (store.config(key_of(added.name, "url")))
    throw Error(ErrorCode::already_exists, "there is already a remote " + quote(added.name))
        .hint("podgit remote remove " + added.name);
  const store::WriterLock lock = store.engine().lock({});
  git::write_config(store.path() / "config",
                    {{key_of(added.name, "fetch"), "+refs/heads/*:refs/remotes/" + added.name + "/*"},
                     {key_of(added.name, "url"), std::string(helper) + added.url}});
  return added;
}

void remove_remote(Store& store, std::string_view name) {
  const RemoteInfo remote = remote_named(store, name);
  store::Engine& engine = store.engine();
  // The URL first: a remote without one is none.
  store.set_config(key_of(remote.name, "url"), std::nullopt);
  {
    const store::WriterLock lock = engine.lock({});
    for (const git::Ref& ref : engine.repository().refs("refs/remotes/" + remote.name + "/"))
      engine.repository().update_ref(ref.name, ref.target, Oid(), "remote remove");
  }
  flow::RemoteMemory(store.path(), remote.name).forget_all();
  const store::WriterLock lock = engine.lock({});
  git::ConfigChanges changes;
  for (const auto& [key, value] : store.config_entries()) {
    const bool of_remote = key.starts_with("remote." + remote.name + ".");
    const bool upstream_of = key.starts_with("branch.") && key.ends_with(".remote") && value == remote.name;
    if (of_remote || upstream_of) changes.emplace_back(key, std::nullopt);
    if (upstream_of) changes.emplace_back(key.substr(0, key.size() - 6) + "merge", std::nullopt);
  }
  if (!changes.empty()) git::write_config(store.path() / "config", changes);
}

std::optional<std::string> upstream(const Store& store, const PodName& pod) {
  return store.config("branch." + pod.str() + ".remote");
}

}  // namespace pod
