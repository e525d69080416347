// Remotes of pods for programs that use libgit2.

#include "git/libgit2_transport.hpp"

#include <libpod/remote.hpp>

namespace pod {
namespace {

class Side final : public git::RemoteSide {
 public:
  explicit Side(GitRemote remote) : remote_(std::move(remote)) {}

  std::vector<git::RemoteHead> heads(bool to_push) override {
    const std::vector<GitRef> refs = remote_.refs(to_push);
    const std::string head = remote_.head().value_or("");
    std::vector<git::RemoteHead> heads;
    for (const GitRef& ref : refs)
      if (ref.name == head) heads.push_back({"HEAD", ref.target, ref.name});
    for (const GitRef& ref : refs) heads.push_back({ref.name, ref.target, ""});
    return heads;
  }

  git::Received fetch(const std::vector<Oid>& wanted) override {
    const GitFetched fetched = remote_.fetch(wanted);
    return {fetched.objects, fetched.bytes_received};
  }

  std::vector<git::RefReport> push(const std::vector<git::RefCommand>& commands) override {
    std::vector<GitRefUpdate> updates;
    // libgit2 has seen to it that what is not forced follows what it was told is there.
    for (const git::RefCommand& command : commands)
      updates.push_back({.name = command.name, .target = command.after, .force = true, .expected = command.before});
    std::vector<git::RefReport> report;
    for (const GitRefPushed& pushed : remote_.push(updates))
      report.push_back({pushed.name, pushed.error ? printable(pushed.error->message()) : std::string()});
    return report;
  }

 private:
  GitRemote remote_;
};

}  // namespace

void register_git_transport(const RemoteOptions& access) {
  git::register_transport({"pod::file", "pod::s3"},
                          [access](const std::string& url, const std::filesystem::path& folder,
                                   const Context& context) -> std::unique_ptr<git::RemoteSide> {
                            return std::make_unique<Side>(GitRemote::open(folder, url, access, context));
                          });
}

}  // namespace pod
