#include "snapshot/tree_names.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "git/reserved_names.hpp"

namespace pod::snapshot {
namespace {

constexpr std::string_view chunk_folder_end = ".chunks";

void append_escaped(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  out += '%';
  out += digits[value >> 4];
  out += digits[value & 15];
}

/// Of an upper-case digit; -1 for anything else.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string escape_component(std::string_view component, bool at_root) {
  const bool hide_first = git::means_something_to_git(component) || (at_root && base::lower(component) == ".pod");
  const std::size_t hidden_last = component.ends_with(chunk_folder_end) ? component.size() - 1 : component.size();
  std::string out;
  for (std::size_t at = 0; at < component.size();) {
    const auto [point, length] = base::decode_utf8(component.substr(at));
    const bool hide = point == base::invalid_point || point < 0x20 || point == 0x7f || point == '%' || point == '\\' ||
                      (at == 0 && hide_first) || at == hidden_last;
    for (std::size_t i = at; i < at + length; ++i) {
      if (hide) {
        append_escaped(out, component[i]);
      } else {
        out += component[i];
      }
    }
    at += length;
  }
  return out;
}

std::optional<std::string> unescape_component(std::string_view name, bool at_root) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      out += name[i];
      continue;
    }
    if (name.size() - i < 3) return std::nullopt;
    const int high = hex_value(name[i + 1]);
    const int low = hex_value(name[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  const bool a_name = !out.empty() && out != "." && out != ".." && out.size() <= 255 &&
                      out.find('\0') == std::string::npos && out.find('/') == std::string::npos;
  if (!a_name || escape_component(out, at_root) != name) return std::nullopt;
  return out;
}

std::string escape_path(const StatePath& path) {
  std::string out;
  bool at_root = true;
  for (const std::string_view component : path.components()) {
    if (!at_root) out += '/';
    out += escape_component(component, at_root);
    at_root = false;
  }
  return out;
}

std::optional<StatePath> unescape_path(std::string_view name) {
  std::string out;
  bool at_root = true;
  for (;;) {
    const auto slash = name.find('/');
    const auto component = unescape_component(name.substr(0, slash), at_root);
    if (!component) return std::nullopt;
    if (!at_root) out += '/';
    out += *component;
    at_root = false;
    if (slash == std::string_view::npos) break;
    name.remove_prefix(slash + 1);
  }
  try {
    return StatePath::parse(out);
  } catch (const Error&) {
    return std::nullopt;  // too long or too deep
  }
}

}  // namespace pod::snapshot
