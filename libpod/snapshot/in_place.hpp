// A folder whose place no other can take, such as a mount point: its entries change places instead, one after the
// other.
//
//   <target>/.podgit-checkout-*/   the work folder, flocked by its checkout
//     new/                         the version, whole and durable before an entry moves
//     old/                         what the target held
//     placing                      there once all of it is in `old`, durably
//
// Killed before `placing` is there, the next settle_in_place() takes the old entries back; after it, it brings the new
// ones. What somebody made in the target meanwhile stays. A capture refuses such a folder until then.
#pragma once

#include "base/files.hpp"

#include <filesystem>
#include <string_view>

namespace pod::snapshot {

/// Beginning of the names of work folders in a target.
inline constexpr std::string_view in_place_prefix = ".podgit-checkout-";

/// Whether a checkout into `target` leaves the entry alone, and it does not count as something that the target holds:
/// a work folder, or the `lost+found` of a file system.
bool stays_in_place(int target, const char* name);

/// What `target` holds goes into `work`/old, what is in `work`/new comes into `target`, durably; `work` is to be
/// removed by remove_in_place() then. Where that fails, `target` is as it was and `work` gone, or, where there was no
/// way back either, the error says so, and the next settle_in_place() ends it.
void replace_entries(int target, base::TempFolder& work, const std::filesystem::path& shown);

/// Removes the work folder. False if something stayed.
bool remove_in_place(const std::filesystem::path& work);

/// Ends what a killed checkout began in `target`, which may be missing. Error(busy) while one is at it;
/// Error(conflict) where something that was made there since is in the way.
void settle_in_place(const std::filesystem::path& target);

}  // namespace pod::snapshot
