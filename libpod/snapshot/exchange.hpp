// A folder takes another one's place at once.
//
// The new folder is built as `new` in a private work folder beside the target, so that every rename stays in one file
// system. Where the kernel can exchange two names, there is no moment without a target. Elsewhere the old folder
// becomes `old` in the work folder first; killed between the two steps, the next recover_left_overs() puts it back.
#pragma once

#include <filesystem>
#include <string>

namespace pod::snapshot {

enum class Exchange { atomic, by_steps };  // atomic falls back to by_steps where the file system lacks it

/// `work`/new becomes `parent`/`name`, which is missing or an empty folder. Error(already_exists) where it is not.
/// False where no other folder can take its place.
bool put_in_free_place(int parent, const std::string& name, int work, const std::filesystem::path& target);
/// `work`/new and the folder `parent`/`name` change places; what was there is `new` or `old` in `work` then. False
/// where no other folder can take its place.
bool put_in_place_of(int parent, const std::string& name, int work, const std::filesystem::path& target, Exchange how);

/// Beginning of the names of a target's work folders.
std::string work_prefix(const std::string& name);
/// Removes work folders whose process is gone; a target that was being replaced by steps is put back first.
void recover_left_overs(const std::filesystem::path& parent, const std::string& name);

}  // namespace pod::snapshot
