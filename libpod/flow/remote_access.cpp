#include "flow/remote_access.hpp"

#include "base/files.hpp"
#include "git/config_file.hpp"
#include "http/client.hpp"
#include "objects/directory_store.hpp"
#include "objects/s3_store.hpp"
#include "store/engine.hpp"

#include <algorithm>
#include <filesystem>

namespace pod::flow {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view file_scheme = "file://";
constexpr std::string_view s3_scheme = "s3://";

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder, error)) return;
  if (!std::filesystem::is_directory(folder.parent_path(), error))
    throw Error(ErrorCode::not_found, "there is no folder " + quote(folder.parent_path().native()))
        .hint("the folder of a remote is made by the first push, the ones above it are not");
  std::filesystem::create_directory(folder, error);
  if (error) base::throw_errno(error.value(), "create the folder", folder);
}

fs::path traits_file(const fs::path& store, const RemoteInfo& remote) {
  return store / "pod" / "buckets" / remote.name;
}

/// What an earlier probe of the same bucket found.
std::optional<objects::S3Traits> known_traits(const fs::path& file, const std::string& bucket) {
  try {
    const auto text = base::read_file(file, 64u << 10);
    const std::size_t line = text ? text->find('\n') : std::string::npos;
    if (line == std::string::npos || text->substr(0, line) != bucket) return std::nullopt;
    return objects::S3Traits::from_json(std::string_view(*text).substr(line + 1));
  } catch (const Error&) {
    return std::nullopt;
  }
}

void keep_traits(const fs::path& file, const std::string& bucket, const objects::S3Traits& traits) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) base::throw_errno(error.value(), "create the folder", file.parent_path());
  base::write_file_atomically(file, bucket + '\n' + traits.to_json());
}

objects::S3Place place_of(const std::string& bucket, const BucketAccess& access) {
  const bool amazon = access.endpoint.empty();
  const std::string endpoint = amazon ? "https://s3." + access.region + ".amazonaws.com" : access.endpoint;
  return {.endpoint = http::Url::parse(endpoint),
          .bucket = bucket,
          .region = access.region,
          // With a dot in the bucket's name no certificate fits its host.
          .path_style = !amazon || bucket.find('.') != std::string::npos};
}

std::unique_ptr<objects::ObjectStore> open_s3(const fs::path& store, const RemoteInfo& remote, Access access,
                                              const RemoteOptions& options, const Context& context) {
  const auto ask = [options, url = remote.url] {
    std::optional<BucketAccess> found = options.bucket_access ? options.bucket_access(url) : std::nullopt;
    if (!found)
      throw Error(ErrorCode::denied, "there are no keys for " + quote(url))
          .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
    return *std::move(found);
  };
  const BucketAccess first = ask();
  const std::string rest = remote.url.substr(s3_scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const objects::S3Place place = place_of(rest.substr(0, slash), first);
  const std::string shown = place.endpoint.str() + " " + remote.url;
  const fs::path file = traits_file(store, remote);

  objects::S3Options settings;
  settings.prefix = slash < rest.size() ? rest.substr(slash + 1) : std::string();
  settings.traits = known_traits(file, shown);
  settings.notes = store / "pod" / "uploads";
  settings.http.ca_bundle = first.ca_bundle;
  std::error_code error;
  fs::create_directory(settings.notes, error);
  const auto keys = [ask] {
    const BucketAccess now = ask();  // keys may be good for an hour only
    return objects::S3Credentials{now.access_key, now.secret_key, now.session_token};
  };
  auto bucket = objects::open_bucket(place, keys, settings, context);
  if (access == Access::write && !settings.traits) {
    const objects::S3Traits traits = bucket->probe();
    if (const std::string lacking = traits.lacking(); !lacking.empty())
      throw Error(ErrorCode::unsupported, quote(remote.url) + " cannot hold a remote")
          .because(lacking)
          .hint("use a bucket of another store, or a folder");
    keep_traits(file, shown, traits);
  }
  return bucket;
}

}  // namespace

std::unique_ptr<objects::ObjectStore> open_objects(const fs::path& store, const RemoteInfo& remote, Access access,
                                                   const RemoteOptions& options, const Context& context) {
  if (remote.url.starts_with(s3_scheme)) return open_s3(store, remote, access, options, context);
  if (!remote.url.starts_with(file_scheme))
    throw Error(ErrorCode::unsupported, quote(remote.url) + " cannot be reached by this podgit");
  const fs::path folder(remote.url.substr(file_scheme.size()));
  if (access == Access::write) make_folder(folder);
  return std::make_unique<objects::DirectoryStore>(folder, context);
}

std::vector<std::pair<std::string, bool>> known_abilities(const fs::path& store, const RemoteInfo& remote) {
  try {
    const auto text = base::read_file(traits_file(store, remote), 64u << 10);
    const std::size_t line = text ? text->find('\n') : std::string::npos;
    if (line == std::string::npos) return {};
    const auto traits = objects::S3Traits::from_json(std::string_view(*text).substr(line + 1));
    return {{"create-only", traits.create_only},
            {"replace if unchanged", traits.match != objects::S3Traits::Match::no},
            {"read after write", traits.read_after_write},
            {"ranges", traits.ranges},
            {"payload checked", traits.payload_checked},
            {"checksum checked", traits.checksum_checked}};
  } catch (const Error&) {
    return {};  // damaged: the next push probes again
  }
}

OpenRemote::OpenRemote(const Store& store, std::string_view name, Access access, const RemoteOptions& options,
                       const Context& context)
    : info(remote_named(store, name)),
      objects(open_objects(store.path(), info, access, options, context)),
      memory(store.path(), info.name) {}

Oid tip_of(const remote::Manifest& manifest, const PodName& pod) {
  const auto found = std::find_if(manifest.refs.begin(), manifest.refs.end(),
                                  [&](const remote::ManifestRef& ref) { return ref.name == pod.branch(); });
  if (found == manifest.refs.end())
    throw Error(ErrorCode::corrupt, "the remote's manifest of " + quote(pod.str()) + " names no " + pod.branch());
  return found->target;
}

void set_tracking_ref(Store& store, const OpenRemote& remote, const PodName& pod, const Oid& target, const char* why) {
  git::Repository& repository = store.engine().repository();
  const std::string name = remote.tracking_ref(pod);
  const Oid before = repository.find_ref(name).value_or(Oid());
  if (before != target) repository.update_ref(name, before, target, why);
}

void remember_upstream(Store& store, const OpenRemote& remote, const PodName& pod) {
  if (upstream(store, pod) == remote.info.name) return;
  const store::WriterLock lock = store.engine().lock({});
  git::write_config(store.path() / "config", {{"branch." + pod.str() + ".merge", pod.branch()},
                                              {"branch." + pod.str() + ".remote", remote.info.name}});
}

}  // namespace pod::flow
