#include "archive/verdict.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <algorithm>
#include <numeric>

namespace pod::archive {
namespace {

/// Orders by ASCII-folded bytes with '/' before all others, so that what lies below a name follows right behind it.
int compare_folded(std::string_view a, std::string_view b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(base::lower(c)); };
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i)
    if (const int difference = rank(a[i]) - rank(b[i]); difference != 0) return difference;
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

/// Length of the components that `a` and `b` share when case is folded.
std::size_t shared_components(std::string_view a, std::string_view b) {
  std::size_t shared = 0;
  const std::size_t common = std::min(a.size(), b.size());
  std::size_t i = 0;
  for (; i < common && base::lower(a[i]) == base::lower(b[i]); ++i)
    if (a[i] == '/') shared = i;
  const auto ends = [i](std::string_view text) { return i == text.size() || text[i] == '/'; };
  return ends(a) && ends(b) ? i : shared;
}

}  // namespace

void corrupt(const std::filesystem::path& file, const std::string& reason) {
  throw Error(ErrorCode::corrupt, "archive " + quote(file.native()) + " is damaged: " + reason);
}

void refuse(const std::filesystem::path& file, const std::string& reason) {
  throw Error(ErrorCode::refused, "archive " + quote(file.native()) + " is refused: " + reason);
}

StatePath checked_path(std::string_view name, const std::filesystem::path& file) {
  const auto bad = [&](const char* rule) { refuse(file, "unsafe path " + quote(name) + ": " + rule); };
  if (name.find('\\') != std::string_view::npos) bad("it holds a backslash");
  if (name.size() >= 2 && base::is_alpha(name[0]) && name[1] == ':') bad("it starts with a drive letter");
  try {
    return StatePath::parse(name);
  } catch (const Error& error) {
    refuse(file, error.message());
  }
}

void refuse_clashes(const std::vector<Entry>& entries, const std::filesystem::path& file) {
  std::vector<std::uint32_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto name = [&](std::uint32_t index) -> std::string_view { return entries[index].path.str(); };
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return compare_folded(name(a), name(b)) < 0; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::string_view a = name(order[i - 1]);
    const std::string_view b = name(order[i]);
    const std::size_t shared = shared_components(a, b);
    if (a.substr(0, shared) != b.substr(0, shared))
      refuse(file, "entries " + quote(a) + " and " + quote(b) + " differ in case alone");
    if (shared == a.size() && shared == b.size()) refuse(file, "entry " + quote(a) + " is there twice");
    if (shared == a.size() && !entries[order[i - 1]].folder)
      refuse(file, "entry " + quote(a) + " is a file and a folder");
  }
}

void Budget::add_entry(std::uint64_t size, std::size_t name_size) {
  if (++entries_ > limits_.entries) refuse(file_, "it has more than " + std::to_string(limits_.entries) + " entries");
  if (size > limits_.total_bytes - total_)
    refuse(file_, "its entries hold more than " + std::to_string(limits_.total_bytes) + " bytes");
  total_ += size;
  name_bytes_ += name_size;
  if (name_bytes_ > limits_.name_bytes)
    refuse(file_, "its names have more than " + std::to_string(limits_.name_bytes) + " bytes");
}

void Budget::check_ratio(std::uint64_t inflated, std::uint64_t stored) const {
  if (inflated > limits_.ratio_floor && inflated / limits_.ratio >= stored)
    refuse(file_, "it inflates to more than " + std::to_string(limits_.ratio) + " times its size");
}

}  // namespace pod::archive
