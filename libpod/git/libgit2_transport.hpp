// Remotes of our own for programs that use libgit2: git_remote_fetch, git_clone and git_remote_push on their URLs.
//
// libgit2 sees a git_transport. Its fetch side takes what RemoteSide::fetch() has installed; nothing that came from
// elsewhere passes libgit2's own pack code. How a push is told to a transport is private to libgit2, so the push side
// is libgit2's own smart transport over a stream to our receive-pack: that advertises all local tips as there already,
// so libgit2 sends commands and an empty pack, and the objects go by RemoteSide::push().
#pragma once

#include "git/receive_pack.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pod::git {

struct Received {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

/// One connection to a remote. Called in one thread; what it throws becomes libgit2's error.
class RemoteSide {
 public:
  virtual ~RemoteSide() = default;
  virtual std::vector<RemoteHead> heads(bool to_push) = 0;
  /// Durable in the repository's objects folder when it returns.
  virtual Received fetch(const std::vector<Oid>& wanted) = 0;
  /// `before`: what heads() said.
  virtual std::vector<RefReport> push(const std::vector<RefCommand>& commands) = 0;
};

/// `repository`: the folder that its worktrees share; empty for a remote without one. The context lives as long as the
/// connection.
using OpenRemoteSide = std::function<std::unique_ptr<RemoteSide>(
    const std::string& url, const std::filesystem::path& repository, const Context& context)>;

/// For URLs that begin with one of `schemes` and "://", in this process, from now on. Takes the place of what was
/// registered for them. One thread at a time, and none that uses such a URL. Error(internal).
void register_transport(const std::vector<std::string>& schemes, OpenRemoteSide open);

}  // namespace pod::git
