// Where a team shares pods: a folder that several people see, or a bucket that they have keys for.
//
//   pod::add_remote(store, {.name = "origin", .url = "file:///srv/pods"});
//   for (const pod::PodPush& push : pod::push(store, "origin", {pod::PodName::parse("shop")})) std::cout <<
//   push.pod.str(); for (const pod::PodFetch& fetch : pod::fetch(store, "origin")) std::cout << fetch.pod.str();
//
// What a remote holds of a pod stands in the store as `refs/remotes/<remote>/<pod>` ("origin/shop" in a PodRef). A push
// that was acknowledged is durable; killed anywhere, remote and store are as they were or as they were to become, and
// the next push or fetch goes on with what has arrived.
//
// Thread word: one thread at a time for each Store.
#pragma once

#include <libpod/context.hpp>
#include <libpod/error.hpp>
#include <libpod/names.hpp>
#include <libpod/resources.hpp>
#include <libpod/store.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod {

/// In the store's configuration as git has it, `remote.<name>.url = pod::<url>`.
struct RemoteInfo {
  std::string name;  // [A-Za-z0-9][A-Za-z0-9._-]{0,63}
  std::string url;   // file:///path, s3://bucket/prefix; without git's "pod::"
};

/// What opens a bucket. The keys are secret: libpod keeps, shows and logs none.
struct BucketAccess {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty: none
  std::string region = "us-east-1";
  std::string endpoint;             // https://host[:port]; empty: AWS's own for the region
  std::filesystem::path ca_bundle;  // empty: the system's
};

/// As AWS's own tools find it: in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
/// AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_CA_BUNDLE), then in the profile that AWS_PROFILE names, of ~/.aws/credentials
/// and ~/.aws/config. `variable` says what one holds, HOME too. nullopt: no keys. Error(not_found) for a profile that
/// is not there; Error(unsupported) for one that gets its keys from elsewhere (roles, SSO).
POD_API std::optional<BucketAccess> aws_access(
    const std::function<std::optional<std::string>(const char* variable)>& variable);

struct RemoteOptions {
  /// Asked when a bucket is opened, with the remote's URL. Nothing, or nullopt: Error(denied).
  std::function<std::optional<BucketAccess>(const std::string& url)> bucket_access;
};

enum class PushStatus : std::uint8_t {
  up_to_date,
  pushed,
  rejected,  // the remote has versions that this store's pod does not follow; `error` says what to do
  failed,    // `error` says why
};

struct PushOptions {
  /// Replaces what the remote has, where that still is what this store saw last (`origin/shop`).
  bool force_with_lease = false;
  /// Says what would be sent; nothing is.
  bool dry_run = false;
};

struct PodPush {
  PodName pod;
  PushStatus status = PushStatus::failed;
  std::optional<Version> version;  // the local one
  Oid before;                      // the remote's commit; zero: there was none
  bool forced = false;
  std::uint64_t versions = 0;  // that the remote did not have
  std::uint64_t objects = 0;   // that were not there
  std::uint64_t packs = 0;
  std::uint64_t bytes_sent = 0;    // of packs
  std::uint64_t bytes_found = 0;   // of packs that an earlier push had sent already
  std::uint64_t bytes_shared = 0;  // of objects that packs of other pods hold there; as they lie here
  std::optional<Error> error;
};

/// For fetch(): every version that leads to where the tip is.
constexpr std::size_t all_versions = SIZE_MAX;

struct FetchOptions {
  /// Only so many of the newest versions, counted from the remote's; what this store has already stays. More than it
  /// has brings older ones, `all_versions` all. Nothing: what is new on top of what it has; of a pod that is new here,
  /// all.
  std::optional<std::size_t> depth;
};

enum class FetchStatus : std::uint8_t {
  up_to_date,
  created,  // this store had not seen it before
  updated,
  replaced,  // the remote's history no longer holds what this store saw last
  deleted,   // on the remote; `origin/shop` is gone
  failed,
};

struct PodFetch {
  PodName pod;
  FetchStatus status = FetchStatus::failed;
  std::optional<Version> version;    // the remote's
  Oid before;                        // what this store saw last; zero: nothing
  std::uint64_t versions = 0;        // new ones
  std::uint64_t older_versions = 0;  // that came behind those which were here
  std::uint64_t objects = 0;
  std::uint64_t packs = 0;
  std::uint64_t bytes_received = 0;
  Verdict verdict = Verdict::accept;  // on the remote's newest version; the store keeps it (fetched_verdict)
  std::optional<Error> error;
};

enum class PullStatus : std::uint8_t {
  up_to_date,
  created,
  fast_forward,
  ahead,  // the pod has versions of its own on top of the remote's
};

struct PodPull {
  PodFetch fetched;
  PullStatus status = PullStatus::up_to_date;
  std::optional<Version> before;
  std::optional<Version> version;  // the pod's latest now
};

struct CloneOptions {
  std::vector<PodName> pods;  // empty: all
  std::string remote = "origin";
  std::optional<std::size_t> depth;  // as in FetchOptions
};

struct CloneResult {
  std::filesystem::path store;
  std::vector<PodFetch> pods;
};

/// A pod as the remote has it.
struct RemotePod {
  PodName pod;
  bool deleted = false;
  std::int64_t generation = 0;     // how often its state on the remote changed
  Time changed;                    // by the remote's clock
  std::optional<Oid> commit;       // its tip, where that is known without asking for more
  std::optional<Version> version;  // the same, where this store has it
  std::optional<Verdict> verdict;  // as fetched_verdict
  std::optional<Error> error;      // why it cannot be read; then nothing else is known
};

/// How a pod here stands to the same one at a remote.
struct PodStanding {
  PodName pod;
  std::optional<RemotePod> remote;  // none: the remote never had it
  std::optional<Version> local;     // none: it is not here
  /// Versions that only this store, only the remote has; none where the remote's tip, or what leads to it, is not here.
  std::optional<std::uint64_t> ahead, behind;
};

struct RemoteStatus {
  RemoteInfo info;
  std::string kind;                                     // "folder", "bucket"
  std::vector<std::pair<std::string, bool>> abilities;  // of a bucket, as a probe found them; empty: not probed yet
  std::optional<Time> last_seen;  // when a pod was pushed or fetched last, by this machine's clock
  std::vector<PodStanding> pods;  // by name; those of this store that came from there or went there
};

struct RemoteCheckOptions {
  bool quick = false;         // does not read the content of packs
  std::vector<PodName> pods;  // empty: all
};

/// What was found wrong with a pod of a remote.
struct RemotePodCheck {
  PodName pod;
  bool deleted = false;
  std::uint64_t packs = 0;
  std::uint64_t bytes = 0;        // of packs, each counted
  std::vector<Finding> findings;  // `object`: the key of what is damaged or missing, or an id; empty: it is sound
};

struct POD_API RemoteCheck {
  std::vector<Finding> findings;  // of the remote as a whole
  std::vector<RemotePodCheck> pods;
  bool sound() const;
};

struct RemoteGarbage {
  std::uint64_t removed = 0;  // objects; with a dry run those that would be
  std::uint64_t bytes = 0;
  std::uint64_t kept = 0;
};

/// Sorted by name. What the configuration has and is none of ours is left out.
POD_API std::vector<RemoteInfo> remotes(const Store& store);
/// Error(not_found) that says which there are.
POD_API RemoteInfo remote_named(const Store& store, std::string_view name);
/// The URL as it is kept: a path becomes file://…. Error(invalid_argument): another scheme, a user or password in it.
POD_API std::string parse_remote_url(std::string_view text);
/// Error(already_exists) for a name that is taken, Error(invalid_argument). Nothing is asked of the remote.
POD_API RemoteInfo add_remote(Store& store, const RemoteInfo& remote);
/// And what the store knows of it, `refs/remotes/<name>/…`.
POD_API void remove_remote(Store& store, std::string_view name);
/// The remote that the pod was last pushed to or pulled from.
POD_API std::optional<std::string> upstream(const Store& store, const PodName& pod);

/// Each pod by itself: one that fails does not hold up the others. What is missing there is sent as packs, then the
/// pod's HEAD moves by compare-and-swap. Broken off anywhere, it can be run again and sends what has not arrived.
/// Throws Error(cancelled), and what concerns the remote as a whole; Error(outcome_unknown) of a pod stands in its row.
/// Cost: a small change takes five requests; memory is bounded.
POD_API std::vector<PodPush> push(Store& store, std::string_view remote, const std::vector<PodName>& pods,
                                  const PushOptions& options = {}, const RemoteOptions& access = {},
                                  const Context& context = {});
/// `pods` empty: all that the remote has. What comes is checked object by object before a ref moves. Local pods stay.
/// Throws as push. Cost: one request for a pod with nothing new; with a depth, all that says which versions and folders
/// there are, and of the rest what they need.
POD_API std::vector<PodFetch> fetch(Store& store, std::string_view remote, const std::vector<PodName>& pods = {},
                                    const FetchOptions& options = {}, const RemoteOptions& access = {},
                                    const Context& context = {});
/// Fetches and moves the pod forward. Error(conflict) where both sides have versions of their own: then only
/// `<remote>/<pod>` moved. An undo takes the pod back.
POD_API PodPull pull(Store& store, std::string_view remote, const PodName& pod, const RemoteOptions& access = {},
                     const Context& context = {});
/// A new store with the remote's pods. Error(already_exists) where `folder` is something. Broken off, nothing is left.
/// A pod that is damaged there holds up no other: its row has the error. Where none can be read, its error is thrown.
POD_API CloneResult clone(std::string_view url, const std::filesystem::path& folder, const CloneOptions& options = {},
                          const RemoteOptions& access = {}, const Context& context = {});
/// By name. Cost: a request for each pod.
POD_API std::vector<RemotePod> remote_pods(const Store& store, std::string_view remote,
                                           const RemoteOptions& access = {}, const Context& context = {});
/// What a fetch said of the version: the policy's word on its files as they came, whatever its models claim. nullopt:
/// none judged it, or by another policy than this one; the next fetch does.
POD_API std::optional<Verdict> fetched_verdict(const Store& store, const Version& version);
/// Cost: as remote_pods().
POD_API RemoteStatus remote_status(const Store& store, std::string_view remote, const RemoteOptions& access = {},
                                   const Context& context = {});
/// HEADs, manifests, and packs: their digests, their indexes, and whether all is there that the refs need; nothing that
/// this store has counts. Quick: whether packs and indexes are there with the right sizes. Throws what keeps it from
/// looking (unreachable, denied); damage is a finding. Cost: reads all that manifests name once; on disk, for a while,
/// the packs of a pod and what later pods share.
POD_API RemoteCheck check_remote(const Store& store, std::string_view remote, const RemoteCheckOptions& options = {},
                                 const RemoteOptions& access = {}, const Context& context = {});
/// Marks the pod as deleted; what it held can be had back for seven days (`generation` goes on if it is pushed again).
/// Error(not_found); Error(conflict) where somebody pushed meanwhile.
POD_API void remove_remote_pod(Store& store, std::string_view remote, const PodName& pod,
                               const RemoteOptions& access = {}, const Context& context = {});
/// Takes away what nothing in the remote has needed for seven days.
POD_API RemoteGarbage collect_remote_garbage(const Store& store, std::string_view remote, bool dry_run = false,
                                             const RemoteOptions& access = {}, const Context& context = {});

/// A remote as git sees it: each pod is the branch of its name, each tag lies beside the pod whose version it names.
struct GitRef {
  std::string name;  // refs/heads/…, refs/tags/…
  Oid target;
};

struct GitFetched {
  std::uint64_t objects = 0;  // new ones
  std::uint64_t packs = 0;
  std::uint64_t bytes_received = 0;
};

struct GitRefUpdate {
  std::string name;
  Oid target;          // zero: it is to go; a branch that goes is a pod that is deleted, with its tags
  bool force = false;  // whether it may take the place of what it does not follow
  /// What it names there, zero: it is not there; nullopt: what refs() said.
  std::optional<Oid> expected = std::nullopt;
};

enum class GitRefStatus : std::uint8_t {
  done,
  not_fast_forward,
  moved,    // it is not (any more) what was expected
  refused,  // `error` says why, of these too
};

struct GitRefPushed {
  std::string name;
  GitRefStatus status = GitRefStatus::done;
  std::optional<Error> error;
};

struct GitPushOptions {
  bool dry_run = false;
  /// All or none. Only where all are of one pod, since each pod moves by itself.
  bool atomic = false;
};

/// A remote and a git repository that need not be a store. For what stands between git and a remote: git-remote-pod,
/// and the transport below. In the repository it keeps what was seen of the remote, in a folder `pod`.
///
///   auto remote = pod::GitRemote::open("repository/.git", "s3://bucket/team", access);
///   for (const pod::GitRef& ref : remote.refs()) wanted.push_back(ref.target);
///   remote.fetch(wanted);    // the objects; refs are the caller's
///   remote.push({{.name = "refs/heads/shop", .target = tip}});
///
/// Thread word: one thread at a time.
class POD_API GitRemote {
 public:
  /// `repository`: $GIT_DIR; empty: only refs() may be asked. `url` as for add_remote(). Nothing is asked of it yet;
  /// `context` outlives this.
  static GitRemote open(const std::filesystem::path& repository, std::string_view url, const RemoteOptions& access = {},
                        const Context& context = {});
  GitRemote(GitRemote&&) noexcept;
  GitRemote& operator=(GitRemote&&) noexcept;
  ~GitRemote();

  /// By name. A pod that cannot be read is left out, with a warning. `to_push`: none where the first push will make the
  /// remote's folder; else Error(not_found). Cost: a list, and a request for each pod, two where it is new.
  std::vector<GitRef> refs(bool to_push = false);
  /// What a clone checks out, of what refs() said: `main`, else the first by name; nullopt where there is none.
  std::optional<std::string> head() const;
  /// What refs() named, with all that it needs, into the repository: checked object by object in quarantine, durable
  /// when it returns. `tags`: those of the same pods too. Throws as pod::fetch; Error(unsupported) for a repository
  /// that is shallow or borrows objects. Cost: what is new, and one read of what is there already of it.
  GitFetched fetch(const std::vector<Oid>& wanted, bool tags = true);
  /// After refs(). One answer for each, in their order; each pod moves by itself, its branch and tags together. What no
  /// reader would take is refused. Throws as pod::push; Error(outcome_unknown) stands in the answer.
  std::vector<GitRefPushed> push(const std::vector<GitRefUpdate>& updates, const GitPushOptions& options = {});

 private:
  struct Impl;
  explicit GitRemote(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Programs that link libgit2 (1.5 or newer, the one that libpod is linked with) reach remotes of pods from now on, by
/// the URLs `pod::file:///…` and `pod::s3://…`:
///
///   pod::register_git_transport({.bucket_access = keys});
///   git_clone(&repository, "pod::s3://team-pods/shop", "shop", nullptr);
///
/// git_remote_fetch, git_clone, git_remote_ls and git_remote_push work; a depth does not. Nothing that came from a
/// remote is read by libgit2 before it was checked here. Failures are libgit2's: a code below zero, git_error_last()
/// says the same as pod::Error, GIT_EAUTH where keys are missing. `transfer_progress` and `sideband_progress` of the
/// program's callbacks are told what happens and may stop it. A second call takes the place of the first.
///
/// Thread word: before other threads use such URLs; `access` is then asked in the thread of the operation. Cost: none.
POD_API void register_git_transport(const RemoteOptions& access = {});

}  // namespace pod
