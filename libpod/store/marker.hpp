// What says that a folder is a store, and whether it may be used.
//
//   pod/format    {"check":"<sha256>","format":1}\n      check: SHA-256 of {"format":1}\n
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pod::store {

std::string encode_marker(int format);
/// Error(corrupt), Error(incompatible) for a newer format.
void check_marker(const std::filesystem::path& store);

/// Whether these bytes were the marker of this format before a few of them were changed or its end was cut: the check
/// sum, which no other format has, is still to be recognised. False for a sound one.
bool is_damaged_marker(std::string_view text);

/// Error(not_found) where `folder` is no store, Error(denied) where another user owns it or everybody may write to it,
/// Error(refused) where a part of it is a symbolic link or of a wrong kind. Reads nothing but names.
void check_place(const std::filesystem::path& store);
/// What is unusual but no reason to refuse, one line each.
std::vector<std::string> unusual_rights(const std::filesystem::path& store);

}  // namespace pod::store
