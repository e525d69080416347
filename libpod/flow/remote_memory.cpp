#include "flow/remote_memory.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <algorithm>

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

/// The state's own line, then the packs, one a line.
SeenPod parse(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
  SeenPod seen{remote::parse_state(text.substr(0, end)), {}};
  for (text.remove_prefix(end); !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 65)))
    seen.here.insert(digest_of(std::string(text.substr(0, 64))));
  return seen;
}

std::string write(const SeenPod& seen) {
  std::string text = remote::write_state(seen.state);
  for (const auto& pack : seen.here) text += digest::hex(pack) + '\n';
  return text;
}

}  // namespace

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

void RemoteMemory::keep(const PodName& pod, const SeenPod& seen) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) base::throw_errno(error.value(), "create the folder", folder_);
  base::write_file_atomically(folder_ / pod.str(), write(seen));
}

void RemoteMemory::forget(const PodName& pod) {
  std::error_code error;
  std::filesystem::remove(folder_ / pod.str(), error);
}

void RemoteMemory::forget_all() { base::remove_tree(folder_); }

}  // namespace pod::flow
