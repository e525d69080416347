// Bytes from one file to another by the kernel, holes as holes.
#pragma once

#include "base/stream.hpp"

#include <cstdint>
#include <filesystem>

namespace pod::snapshot {

/// The whole file, without a copy of its data, where the file system can; false where it cannot.
bool clone_file(int from_fd, int to_fd) noexcept;
/// [from, to) at the same place; of `to_fd` nothing stands there yet. False where the source ends before. Error(io);
/// `path` is what it calls the destination. Safe for stretches of one file at once.
bool copy_stretch(int from_fd, int to_fd, std::uint64_t from, std::uint64_t to, const std::filesystem::path& path);
/// All of `bytes` at `offset`. Error(io).
void write_at(int fd, base::ConstBytes bytes, std::uint64_t offset, const std::filesystem::path& path);
/// Advice only: the disk begins with what was written there, so that the sync at the end has less left to do.
void start_disk(int fd, std::uint64_t offset, std::uint64_t size) noexcept;

}  // namespace pod::snapshot
