// What git and a remote helper say to one another: lines on standard input and output, as gitremote-helpers(7) has it.
//
//   capabilities                 fetch, push, option, check-connectivity
//   option NAME VALUE            ok | unsupported
//   list [for-push]              "<id> <ref>" lines; before them, where it is no push, "@<ref> HEAD"
//   fetch ID REF, …, empty line  connectivity-ok, empty line
//   push [+]SRC:DST, …, empty    "ok <ref>" or "error <ref> <why>" lines, empty line
#pragma once

#include <libpod/context.hpp>
#include <libpod/remote.hpp>

#include <filesystem>
#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace git_remote_pod {

/// One thread at a time.
class Conversation {
 public:
  /// `repository`: $GIT_DIR, or empty. `set_progress` is told what git wants to see.
  Conversation(std::filesystem::path repository, std::string url, pod::RemoteOptions access,
               const pod::Context& context, std::function<void(bool)> set_progress);

  /// Until git has no more to say. Throws pod::Error; then git is to be told by the end of the process.
  void run(std::istream& in, std::ostream& out);

 private:
  std::string option(std::string_view name, std::string_view value);
  std::string list(bool to_push);
  std::string fetch(const std::vector<std::string>& lines);
  std::string push(const std::vector<std::string>& lines);
  std::string result_of(const pod::GitRefPushed& pushed) const;
  pod::GitRemote& remote();

  std::filesystem::path repository_;
  std::string url_;
  pod::RemoteOptions access_;
  pod::Context context_;
  std::function<void(bool)> set_progress_;
  std::optional<pod::GitRemote> remote_;
  pod::GitPushOptions push_options_;
  bool follow_tags_ = false;
  bool check_connectivity_ = false;
  std::map<std::string, pod::Oid, std::less<>> leases_;
};

}  // namespace git_remote_pod
