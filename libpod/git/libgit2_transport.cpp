#include "git/libgit2_transport.hpp"

#include "git/libgit2.hpp"

#include <git2/sys/transport.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <span>
#include <thread>
#include <utility>

// What changed after Debian's 1.5. The structure says nothing of it itself: its version is still 1.
#define POD_LIBGIT2_SINCE(major, minor) \
  (LIBGIT2_VER_MAJOR > (major) || (LIBGIT2_VER_MAJOR == (major) && LIBGIT2_VER_MINOR >= (minor)))

namespace pod::git {
namespace {

namespace fs = std::filesystem;

/// For the end of a callback: the exception in flight as libgit2's error, in one line.
int answer_error() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    std::string text = error.message();
    for (const std::string& cause : error.causes()) text += ": " + cause;
    if (!error.next().empty()) text += " (" + error.next() + ")";
    git_error_set_str(GIT_ERROR_NET, printable(text).c_str());
    if (error.code() == ErrorCode::cancelled) return GIT_EUSER;
    return error.code() == ErrorCode::denied ? GIT_EAUTH : GIT_ERROR;
  } catch (const std::bad_alloc&) {
    git_error_set_oom();
  } catch (const std::exception& error) {
    git_error_set_str(GIT_ERROR_NET, error.what());
  } catch (...) {
    git_error_set_str(GIT_ERROR_NET, "unknown failure");
  }
  return GIT_ERROR;
}

template <typename Work>
int guarded(Work work) noexcept {
  try {
    work();
    return 0;
  } catch (...) {
    return answer_error();
  }
}

void check(int result, const char* what) {
  if (result < 0) throw libgit2_error(result, ErrorCode::internal, what);
}

/// What a step does, told to the program's callbacks, which may stop it. They are called in its own thread.
class CallbackProgress final : public Progress {
 public:
  explicit CallbackProgress(CancelToken& cancel) : cancel_(cancel) {}

  void use(const git_remote_callbacks& callbacks) { callbacks_ = callbacks; }
  void begin(std::string_view step, std::optional<std::uint64_t>) override { say(std::string(step) + '\n'); }
  void advance(std::uint64_t bytes) override {
    bytes_ += bytes;
    if (std::this_thread::get_id() == thread_) tell(0);
  }
  void end() override { tell(0); }
  void warn(std::string_view message) override { say("warning: " + std::string(message) + '\n'); }

  git_indexer_progress tell(std::uint64_t objects) {
    git_indexer_progress stats{};
    stats.total_objects = stats.received_objects = stats.indexed_objects = static_cast<unsigned>(objects);
    stats.received_bytes = static_cast<std::size_t>(bytes_.load());
    if (callbacks_.transfer_progress != nullptr && callbacks_.transfer_progress(&stats, callbacks_.payload) != 0)
      cancel_.cancel();
    return stats;
  }

 private:
  void say(const std::string& text) {
    if (callbacks_.sideband_progress != nullptr &&
        callbacks_.sideband_progress(text.data(), static_cast<int>(text.size()), callbacks_.payload) != 0)
      cancel_.cancel();
  }

  CancelToken& cancel_;
  git_remote_callbacks callbacks_{};
  std::atomic<std::uint64_t> bytes_{0};
  std::thread::id thread_ = std::this_thread::get_id();
};

struct Transport : git_transport {
  Transport(git_remote* remote, OpenRemoteSide opener) : git_transport(), owner(remote), open(std::move(opener)) {
    begin();
  }
  ~Transport() {
    if (smart != nullptr) smart->free(smart);
  }
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  git_remote* owner;
  OpenRemoteSide open;
  std::optional<CancelToken> cancelled;  // of this connection, as what comes below
  std::optional<CallbackProgress> progress;
  Context context;
  std::unique_ptr<RemoteSide> side;
  git_transport* smart = nullptr;  // of a push

  std::vector<RemoteHead> heads;
  std::vector<git_remote_head> raw_heads;
  std::vector<const git_remote_head*> head_pointers;
  std::vector<Oid> wanted;

  fs::path repository() const {
    git_repository* of = git_remote_owner(owner);
    const char* path = of == nullptr ? nullptr : git_repository_commondir(of);
    return path == nullptr ? fs::path() : fs::path(path);
  }

  void open_side(const std::string& url, int direction, const git_remote_connect_options* options) {
    forget();
    begin();
    if (options != nullptr) progress->use(options->callbacks);
    side = open(url, repository(), context);
    heads = side->heads(direction == GIT_DIRECTION_PUSH);
    if (direction == GIT_DIRECTION_PUSH) connect_push(url, options);
    for (const RemoteHead& head : heads) {
      git_remote_head raw{};
      raw.oid = to_git(head.id);
      raw.name = const_cast<char*>(head.name.c_str());
      if (!head.points_to.empty()) raw.symref_target = const_cast<char*>(head.points_to.c_str());
      raw_heads.push_back(raw);
    }
    for (const git_remote_head& raw : raw_heads) head_pointers.push_back(&raw);
  }

  void begin() {
    cancelled.emplace();
    progress.emplace(*cancelled);
    context.progress = &*progress;
    context.cancel = &*cancelled;
  }

  void want(const git_remote_head* const* refs, std::size_t count) {
    wanted.clear();
    for (std::size_t i = 0; i < count; ++i)
      if (refs[i]->local == 0) wanted.push_back(from_git(refs[i]->oid));
  }
  void download(git_repository* into, git_indexer_progress& stats) {
    Received received;
    try {
      received = side->fetch(wanted);
    } catch (...) {
      side.reset();  // what stopped this one does not stop the next
      throw;
    }
    git_odb* odb = nullptr;
    check(git_repository_odb(&odb, into), "the repository cannot be read");
    const OdbHandle owned(odb);
    check(git_odb_refresh(odb), "what was fetched cannot be read");
    stats = progress->tell(received.objects);
    stats.received_bytes = static_cast<std::size_t>(received.bytes);
  }

  void connect_push(const std::string& url, const git_remote_connect_options* options);
  std::string advertisement() const;
  /// libgit2 asks for the heads afterwards, too.
  void disconnect() {
    if (smart != nullptr) smart->close(smart);
    side.reset();
  }
  void forget() {
    disconnect();
    if (smart != nullptr) smart->free(smart);
    smart = nullptr;
    head_pointers.clear();
    raw_heads.clear();
    heads.clear();
  }
};

Transport& transport_of(git_transport* transport) { return *static_cast<Transport*>(transport); }

// The stream of libgit2's smart transport: one for the advertisement, one for commands and report.

struct Stream : git_smart_subtransport_stream {
  Stream(git_smart_subtransport* by, Transport& transport) : git_smart_subtransport_stream(), outer(transport) {
    subtransport = by;
    read = [](git_smart_subtransport_stream* stream, char* buffer, std::size_t size, std::size_t* count) {
      return guarded([&] { *count = static_cast<Stream*>(stream)->take({buffer, size}); });
    };
    write = [](git_smart_subtransport_stream* stream, const char* bytes, std::size_t size) {
      return guarded([&] { static_cast<Stream*>(stream)->request.add({bytes, size}); });
    };
    free = [](git_smart_subtransport_stream* stream) { delete static_cast<Stream*>(stream); };
  }

  Transport& outer;
  PushRequest request;
  std::optional<std::string> answer;
  std::size_t taken = 0;

  std::size_t take(std::span<char> buffer) {
    if (!answer) answer = report(push());
    const std::size_t count = answer->copy(buffer.data(), buffer.size(), taken);
    taken += count;
    return count;
  }

 private:
  std::vector<RefReport> push() {
    if (!request.commands()) throw Error(ErrorCode::corrupt, "a push ended before its commands did");
    return outer.side->push(*request.commands());
  }
};

struct Subtransport : git_smart_subtransport {
  explicit Subtransport(Transport& transport) : git_smart_subtransport(), outer(transport) {
    action = [](git_smart_subtransport_stream** out, git_smart_subtransport* self, const char*,
                git_smart_service_t service) {
      return guarded([&] {
        Transport& transport_there = static_cast<Subtransport*>(self)->outer;
        auto stream = std::make_unique<Stream>(self, transport_there);
        if (service == GIT_SERVICE_RECEIVEPACK_LS) stream->answer = transport_there.advertisement();
        *out = stream.release();
      });
    };
    close = [](git_smart_subtransport*) { return 0; };
    free = [](git_smart_subtransport* self) { delete static_cast<Subtransport*>(self); };
  }
  Transport& outer;
};

void Transport::connect_push(const std::string& url, const git_remote_connect_options* options) {
  git_smart_subtransport_definition definition{};
  definition.callback = [](git_smart_subtransport** out, git_transport*, void* transport) {
    return guarded([&] { *out = new Subtransport(*static_cast<Transport*>(transport)); });
  };
  definition.rpc = 1;  // a stream for each question
  definition.param = this;
  check(git_transport_smart(&smart, owner, &definition), "libgit2 cannot start a push");
  check(smart->connect(smart, url.c_str(), GIT_DIRECTION_PUSH, options), "libgit2 cannot start a push");
}

/// What a server that speaks HTTP says first; the smart transport passes it over.
std::string service_line() { return "001f# service=git-receive-pack\n0000"; }

/// The remote's heads, and whatever the local refs name as if it were there: it will be, before a ref moves.
std::string Transport::advertisement() const {
  std::vector<Oid> have;
  const auto add = [](const char* name, void* payload) {
    auto& [repository, ids] = *static_cast<std::pair<git_repository*, std::vector<Oid>*>*>(payload);
    git_oid id{};
    if (git_reference_name_to_id(&id, repository, name) == 0) ids->push_back(from_git(id));
    return 0;
  };
  std::pair<git_repository*, std::vector<Oid>*> all{git_remote_owner(owner), &have};
  if (all.first != nullptr) {
    check(git_reference_foreach_name(all.first, add, &all), "the refs of the repository cannot be listed");
    add("HEAD", &all);
  }
  git_error_clear();
  std::sort(have.begin(), have.end());
  have.erase(std::unique(have.begin(), have.end()), have.end());
  std::vector<RemoteHead> refs = heads;
  std::erase_if(refs, [](const RemoteHead& head) { return head.name == "HEAD"; });
  return service_line() + advertise(refs, have);
}

void fill(Transport& transport) {
  transport.version = GIT_TRANSPORT_VERSION;
  transport.connect = [](git_transport* self, const char* url, int direction,
                         const git_remote_connect_options* options) {
    return guarded([&] { transport_of(self).open_side(url, direction, options); });
  };
  transport.set_connect_opts = [](git_transport* self, const git_remote_connect_options* options) {
    Transport& here = transport_of(self);
    if (options != nullptr) here.progress->use(options->callbacks);
    return here.smart == nullptr ? 0 : here.smart->set_connect_opts(here.smart, options);
  };
  transport.capabilities = [](unsigned int* capabilities, git_transport*) {
    *capabilities = 0;
    return 0;
  };
#if defined(GIT_EXPERIMENTAL_SHA256) || POD_LIBGIT2_SINCE(2, 0)
  transport.oid_type = [](git_oid_t* type, git_transport*) {
    *type = GIT_OID_SHA1;
    return 0;
  };
#endif
  transport.ls = [](const git_remote_head*** out, std::size_t* size, git_transport* self) {
    Transport& here = transport_of(self);
    if (here.smart != nullptr) return here.smart->ls(out, size, here.smart);
    *out = here.head_pointers.data();
    *size = here.head_pointers.size();
    return 0;
  };
  transport.push = [](git_transport* self, git_push* push) {
    Transport& here = transport_of(self);
    if (here.smart != nullptr) return here.smart->push(here.smart, push);
    git_error_set_str(GIT_ERROR_NET, "this connection is one to fetch by");
    return static_cast<int>(GIT_ERROR);
  };
#if POD_LIBGIT2_SINCE(1, 7)
  transport.negotiate_fetch = [](git_transport* self, git_repository*, const git_fetch_negotiation* asked) {
    return guarded([&] {
      if (asked->depth > 0 || asked->shallow_roots_len > 0)
        throw Error(ErrorCode::unsupported, "a remote of pods gives no shallow histories")
            .hint("fetch without a depth");
      transport_of(self).want(asked->refs, asked->refs_len);
    });
  };
  transport.shallow_roots = [](git_oidarray* out, git_transport*) {
    *out = {};
    return 0;
  };
#else
  transport.negotiate_fetch = [](git_transport* self, git_repository*, const git_remote_head* const* refs,
                                 std::size_t count) { return guarded([&] { transport_of(self).want(refs, count); }); };
#endif
  transport.download_pack = [](git_transport* self, git_repository* repository, git_indexer_progress* stats) {
    return guarded([&] { transport_of(self).download(repository, *stats); });
  };
  transport.is_connected = [](git_transport* self) { return transport_of(self).side ? 1 : 0; };
  transport.cancel = [](git_transport* self) { transport_of(self).cancelled->cancel(); };
  transport.close = [](git_transport* self) { return guarded([&] { transport_of(self).disconnect(); }); };
  transport.free = [](git_transport* self) { delete static_cast<Transport*>(self); };
}

int make_transport(git_transport** out, git_remote* owner, void* open) {
  return guarded([&] {
    auto transport = std::make_unique<Transport>(owner, *static_cast<OpenRemoteSide*>(open));
    fill(*transport);
    *out = transport.release();
  });
}

}  // namespace

void register_transport(const std::vector<std::string>& schemes, OpenRemoteSide open) {
  start_libgit2();
  // libgit2 has their addresses as long as the process lives.
  static auto& kept = *new std::vector<std::unique_ptr<OpenRemoteSide>>();
  OpenRemoteSide* const opener = kept.emplace_back(std::make_unique<OpenRemoteSide>(std::move(open))).get();
  for (const std::string& scheme : schemes) {
    git_transport_unregister(scheme.c_str());
    check(git_transport_register(scheme.c_str(), make_transport, opener), "libgit2 takes no transport");
  }
  git_error_clear();
}

}  // namespace pod::git
