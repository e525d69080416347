// What an instance is given in the place of a file: judged, and never a stranger's bytes where it would run them.
#pragma once

#include "base/stream.hpp"

#include <libpod/names.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace pod::flow {

/// How far a version is trusted, and how it is called in messages.
struct Trust {
  std::string name;        // "shop:3", as `podgit verify` takes it; empty where it has no such name
  bool of_review = false;  // by the user's word, or a capture of the user's own instance
};

/// Larger state files are not injected: they cannot be judged.
constexpr std::uint64_t judged_limit = 512ull << 20;

/// Gives what is posted in the place of a file of `size` bytes, and its size, to `post`. Pickles are written again from
/// what was read. Error(refused) that names the file, the offset and the reason where the policy says no, or says
/// review without trust, and for a pickle that libpod cannot write. Cost: a state file is held in memory, others are
/// streamed.
void post_file(const StatePath& path, std::uint64_t size, base::ByteSource& source, const Trust& trust,
               const std::function<void(std::uint64_t size, base::ByteSource&)>& post);

}  // namespace pod::flow
