#include "conversation.hpp"

#include "revision.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace git_remote_pod {
namespace {

constexpr std::size_t longest_line = 64u << 10;

std::string_view after_blank(std::string_view text) {
  const std::size_t blank = text.find(' ');
  return blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
}

pod::Error bad_line(std::string_view line) {
  return pod::Error(pod::ErrorCode::invalid_argument,
                    "git says " + pod::quote(line) + ", which nobody understands here")
      .hint("git-remote-pod is run by git, for URLs that begin with pod::");
}

bool next_line(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  if (line.size() > longest_line) throw bad_line(line);
  return true;
}

/// The line and those behind it of the same word, up to an empty one.
std::vector<std::string> read_batch(std::istream& in, std::string line) {
  std::vector<std::string> lines;
  const std::string word = line.substr(0, line.find(' '));
  do {
    if (line.substr(0, line.find(' ')) != word) throw bad_line(line);
    lines.emplace_back(after_blank(line));
  } while (next_line(in, line) && !line.empty());
  return lines;
}

}  // namespace

Conversation::Conversation(std::filesystem::path repository, std::string url, pod::RemoteOptions access,
                           const pod::Context& context, std::function<void(bool)> set_progress)
    : repository_(std::move(repository)),
      url_(std::move(url)),
      access_(std::move(access)),
      context_(context),
      set_progress_(std::move(set_progress)) {}

pod::GitRemote& Conversation::remote() {
  if (!remote_) remote_ = pod::GitRemote::open(repository_, url_, access_, context_);
  return *remote_;
}

void Conversation::run(std::istream& in, std::ostream& out) {
  for (std::string line; next_line(in, line) && !line.empty();) {
    std::string answer;
    if (line == "capabilities")
      answer = "fetch\npush\noption\ncheck-connectivity\n\n";
    else if (line.starts_with("option "))
      answer = option(line.substr(7, line.find(' ', 7) - 7), after_blank(std::string_view(line).substr(7))) + "\n";
    else if (line == "list" || line == "list for-push")
      answer = list(line != "list");
    else if (line.starts_with("fetch "))
      answer = fetch(read_batch(in, line));
    else if (line.starts_with("push "))
      answer = push(read_batch(in, line));
    else
      throw bad_line(line);
    if (!(out << answer << std::flush)) throw pod::Error(pod::ErrorCode::io, "git listens no more");
  }
}

std::string Conversation::option(std::string_view name, std::string_view value) {
  const bool on = value == "true";
  if (name == "progress")
    set_progress_(on);
  else if (name == "dry-run")
    push_options_.dry_run = on;
  else if (name == "atomic")
    push_options_.atomic = on;
  else if (name == "followtags")
    follow_tags_ = on;
  else if (name == "check-connectivity")
    check_connectivity_ = on;
  else if (name == "cas") {
    const std::size_t colon = value.rfind(':');
    if (colon == std::string_view::npos) return "error it names no version";
    leases_.insert_or_assign(std::string(value.substr(0, colon)), pod::Oid::parse(value.substr(colon + 1)));
  } else if ((name == "depth" && value != "0") || (name.starts_with("deepen") && value != "false"))
    // git would go on with a warning that says little, or with none.
    throw pod::Error(pod::ErrorCode::unsupported, "a remote of pods gives no shallow histories")
        .hint("leave --depth out");
  else if (name != "verbosity" && name != "force" && name != "cloning" && !name.starts_with("deep") && name != "depth")
    return "unsupported";
  return "ok";
}

std::string Conversation::list(bool to_push) {
  const std::vector<pod::GitRef> refs = remote().refs(to_push);
  const auto head = to_push ? std::nullopt : remote().head();
  std::string answer = head ? "@" + *head + " HEAD\n" : "";
  for (const pod::GitRef& ref : refs) answer += ref.target.hex() + " " + ref.name + "\n";
  return answer + "\n";
}

std::string Conversation::fetch(const std::vector<std::string>& lines) {
  std::vector<pod::Oid> wanted;
  for (const std::string& line : lines) wanted.push_back(pod::Oid::parse(std::string_view(line).substr(0, 40)));
  remote().fetch(wanted, follow_tags_);
  return check_connectivity_ ? "connectivity-ok\n\n" : "\n";
}

std::string Conversation::push(const std::vector<std::string>& lines) {
  std::vector<pod::GitRefUpdate> updates;
  std::string answer;
  for (std::string_view spec : lines) {
    const std::size_t colon = spec.find(':');
    if (colon == std::string_view::npos) throw bad_line(spec);
    pod::GitRefUpdate update{.name = std::string(spec.substr(colon + 1)), .target = {}};
    update.force = spec.starts_with('+');
    const std::string_view source = spec.substr(update.force ? 1 : 0, colon - (update.force ? 1 : 0));
    if (const auto lease = leases_.find(update.name); lease != leases_.end()) {
      update.expected = lease->second;
      update.force = true;  // that it is what git saw is what git asked for
    }
    if (!source.empty()) update.target = find_revision(source);
    updates.push_back(std::move(update));
  }
  for (const pod::GitRefPushed& pushed : remote().push(updates, push_options_)) answer += result_of(pushed) + "\n";
  return answer + "\n";
}

/// In git's own words where it has some, since it has advice for these.
std::string Conversation::result_of(const pod::GitRefPushed& pushed) const {
  const std::string refused = "error " + pushed.name + " ";
  switch (pushed.status) {
    case pod::GitRefStatus::done: return "ok " + pushed.name;
    case pod::GitRefStatus::not_fast_forward: return refused + "non-fast forward";
    case pod::GitRefStatus::moved: return refused + (leases_.contains(pushed.name) ? "stale info" : "fetch first");
    case pod::GitRefStatus::refused: break;
  }
  std::string why = pushed.error->message();
  for (const std::string& cause : pushed.error->causes()) why += ": " + cause;
  if (!pushed.error->next().empty()) why += "; " + pushed.error->next();
  return refused + pod::printable(why);
}

}  // namespace git_remote_pod
