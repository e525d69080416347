#include "store/marker.hpp"

#include <libpod/error.hpp>

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "json/json.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

struct Part {
  const char* name;
  bool folder;
  bool needed;
};
constexpr std::array parts{
    Part{"pod", true, true},           Part{"pod/format", false, true},   Part{"pod/lock", false, false},
    Part{"pod/journal", false, false}, Part{"pod/tmp", true, false},      Part{"objects", true, true},
    Part{"objects/pack", true, false}, Part{"objects/info", true, false}, Part{"refs", true, true},
    Part{"refs/heads", true, false},   Part{"refs/pod", true, false},     Part{"refs/remotes", true, false},
    Part{"HEAD", false, false},        Part{"config", false, false},      Part{"packed-refs", false, false}};

std::string check_of(json::Value marker) {
  marker.erase("check");
  return digest::hex(digest::sha256(json::canonical(marker)));
}

Error damaged(const fs::path& file, const std::string& why) {
  std::string whole = encode_marker(store_format());
  whole.pop_back();
  return Error(ErrorCode::corrupt, "the store's format file " + quote(file.native()) + " is damaged")
      .because(why)
      .hint(
          "podgit fsck --repair mends it where it is to be recognised; else, if nothing else is damaged, write this "
          "line "
          "into it: " +
          whole);
}

}  // namespace

std::string encode_marker(int format) {
  json::Value marker = {{"format", format}};
  marker["check"] = check_of(marker);
  return json::canonical(marker);
}

bool is_damaged_marker(std::string_view text) {
  constexpr std::size_t most_changed = 4;
  constexpr std::size_t least_left = 40;  // the check sum's first 30 digits
  const std::string whole = encode_marker(store_format());
  if (text == whole || text.size() < least_left || text.size() > whole.size()) return false;
  std::size_t changed = 0;
  for (std::size_t i = 0; i < text.size(); ++i) changed += text[i] != whole[i];
  return changed <= most_changed;
}

void check_marker(const fs::path& store) {
  const fs::path file = store / "pod" / "format";
  const auto text = base::read_file(file, 4096);
  if (!text) throw damaged(file, "it is missing");
  std::int64_t format = 0;
  try {
    const json::Value marker = json::parse(*text, "format", {.bytes = 4096, .depth = 8, .values = 100});
    if (json::string_member(marker, "check", "format") != check_of(marker))
      throw damaged(file, "its check sum does not match");
    format = json::integer_member(marker, "format", "format");
  } catch (const Error& error) {
    if (!error.next().empty()) throw;
    throw damaged(file, error.message());
  }
  if (format > store_format())
    throw Error(ErrorCode::incompatible, "store " + quote(store.native()) + " has format " + std::to_string(format) +
                                             ", this podgit knows up to " + std::to_string(store_format()))
        .hint("use a newer podgit");
  if (format < 1) throw damaged(file, "it names format " + std::to_string(format));
}

void check_place(const fs::path& store) {
  struct stat status {};
  if (::lstat((store / "pod" / "format").c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) base::throw_errno(errno, "open", store);
    throw Error(ErrorCode::not_found, "no store at " + quote(store.native()));
  }
  if (::lstat(store.c_str(), &status) != 0) base::throw_errno(errno, "open", store);
  if (status.st_uid != ::geteuid())
    throw Error(ErrorCode::denied, "store " + quote(store.native()) + " belongs to another user")
        .because("its owner has the id " + std::to_string(status.st_uid) + ", you have " + std::to_string(::geteuid()))
        .hint("work as its owner, or copy its pods into a store of your own");
  for (const Part& part : parts) {
    const fs::path path = store / part.name;
    if (::lstat(path.c_str(), &status) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) base::throw_errno(errno, "open", path);
      if (!part.needed) continue;
      throw Error(ErrorCode::corrupt, "store " + quote(store.native()) + " lacks " + quote(part.name));
    }
    if (part.folder ? !S_ISDIR(status.st_mode) : !S_ISREG(status.st_mode))
      throw Error(ErrorCode::refused, quote(part.name) + " in store " + quote(store.native()) +
                                          (S_ISLNK(status.st_mode) ? " is a symbolic link" : " is of a wrong kind"))
          .hint("restore the store from a copy that can be trusted");
    if ((status.st_mode & S_IWOTH) != 0)
      throw Error(ErrorCode::denied,
                  quote(part.name) + " in store " + quote(store.native()) + " may be written by everybody")
          .hint("check what it holds, then: chmod -R o-w " + printable(store.native()));
  }
  if (::lstat(store.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0)
    throw Error(ErrorCode::denied, "store " + quote(store.native()) + " may be written by everybody")
        .hint("check what it holds, then: chmod -R o-w " + printable(store.native()));
  if (::lstat((store / "objects/info/alternates").c_str(), &status) == 0)
    throw Error(ErrorCode::refused,
                "store " + quote(store.native()) + " borrows objects from elsewhere (\"objects/info/alternates\")")
        .hint("copy them in with git repack -a and remove the file");
}

std::vector<std::string> unusual_rights(const fs::path& store) {
  std::vector<std::string> lines;
  struct stat status {};
  if (::lstat(store.c_str(), &status) == 0 && (status.st_mode & 0077) != 0)
    lines.push_back("other users may look into the store");
  for (const Part& part : parts)
    if (::lstat((store / part.name).c_str(), &status) == 0 && (status.st_mode & S_IWGRP) != 0)
      lines.push_back(quote(part.name) + " may be written by a group");
  return lines;
}

}  // namespace pod::store
