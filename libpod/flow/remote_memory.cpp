#include "flow/remote_memory.hpp"

#include "base/files.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>

#include <sys/stat.h>
#include <algorithm>
#include <sstream>
#include <string_view>

namespace pod::flow {
namespace {

constexpr std::uint64_t limit = 16ull << 20;

digest::Sha256Value digest_of(const std::string& hex) {
  if (!digest::is_sha256_hex(hex)) throw Error(ErrorCode::corrupt, "a digest is none");
  digest::Sha256Value out{};
  const auto nibble = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  return out;
}

constexpr std::string_view judged_mark = "judged ";

/// "judged <commit> <number> <verdict>"
FetchVerdict parse_judged(std::string_view line) {
  std::istringstream words{std::string(line.substr(judged_mark.size()))};
  std::string commit, verdict;
  FetchVerdict judged;
  words >> commit >> judged.number >> verdict;
  judged.commit = Oid::parse(commit);
  for (const Verdict known : {Verdict::accept, Verdict::review, Verdict::refuse}) {
    if (verdict != verdict_name(known)) continue;
    judged.verdict = known;
    return judged;
  }
  throw Error(ErrorCode::corrupt, "a verdict is none");
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

/// The state's own line, then the verdict, if there is one, then the packs, one a line.
SeenPod parse(std::string_view text) {
  SeenPod seen{.state = remote::parse_state(take_line(text)), .here = {}, .judged = std::nullopt};
  if (text.starts_with(judged_mark)) seen.judged = parse_judged(take_line(text));
  while (!text.empty()) seen.here.insert(digest_of(std::string(take_line(text))));
  return seen;
}

std::string write(const SeenPod& seen) {
  std::string text = remote::write_state(seen.state);
  if (seen.judged)
    text += std::string(judged_mark) + seen.judged->commit.hex() + ' ' + std::to_string(seen.judged->number) + ' ' +
            std::string(verdict_name(seen.judged->verdict)) + '\n';
  for (const auto& pack : seen.here) text += digest::hex(pack) + '\n';
  return text;
}

}  // namespace

std::optional<Verdict> verdict_on(const SeenPod& seen, const Oid& commit) {
  const bool counts = seen.judged && seen.judged->commit == commit && seen.judged->number == reading::number;
  return counts ? std::optional(seen.judged->verdict) : std::nullopt;
}

RemoteMemory::RemoteMemory(const std::filesystem::path& store, const std::string& remote)
    : folder_(store / "pod" / "remotes" / remote) {}

std::optional<SeenPod> RemoteMemory::find(const PodName& pod) const {
  try {
    const auto text = base::read_file(folder_ / pod.str(), limit);
    return text && !text->empty() ? std::optional(parse(*text)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

const std::set<digest::Sha256Value>& RemoteMemory::here() {
  if (here_) return *here_;
  here_.emplace();
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    try {
      if (auto seen = find(PodName::parse(it->path().filename().string()))) here_->merge(seen->here);
    } catch (const Error&) {
      // None of ours.
    }
  }
  return *here_;
}

void RemoteMemory::keep(const PodName& pod, const SeenPod& seen) {
  if (here_) here_->insert(seen.here.begin(), seen.here.end());
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) base::throw_errno(error.value(), "create the folder", folder_);
  base::write_file_atomically(folder_ / pod.str(), write(seen));
}

void RemoteMemory::forget(const PodName& pod) {
  std::error_code error;
  std::filesystem::remove(folder_ / pod.str(), error);
}

std::optional<Time> RemoteMemory::last_change() const {
  std::optional<Time> last;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (!last || last->seconds < status.st_mtim.tv_sec)
      last = Time{.seconds = status.st_mtim.tv_sec, .offset_minutes = 0};
  }
  return last;
}

void RemoteMemory::forget_all() { base::remove_tree(folder_); }

}  // namespace pod::flow
