#include "http/client.hpp"

#include "base/ascii.hpp"

#include <libpod/error.hpp>

#include <arpa/inet.h>
#include <algorithm>
#include <array>
#include <charconv>

namespace pod::http {
namespace {

/// Up to the '@' everything is secret: an error shows the rest alone.
std::string_view without_user(std::string_view text) {
  const std::size_t slashes = text.find("://");
  const std::size_t start = slashes == std::string_view::npos ? 0 : slashes + 3;
  const std::size_t at = text.substr(0, text.find_first_of("/?#", start)).rfind('@');
  return at == std::string_view::npos || at < start ? text : text.substr(at + 1);
}

[[noreturn]] void bad_url(std::string_view text, std::string reason) {
  const std::string_view shown = without_user(text);
  throw Error(ErrorCode::invalid_argument,
              "invalid URL " + quote(shown.substr(0, shown.find('?'))) + ": " + std::move(reason));
}

using Address4 = std::array<std::uint8_t, 4>;
using Address6 = std::array<std::uint8_t, 16>;

template <typename Address>
std::optional<Address> parse_address(const std::string& host) {
  Address bytes{};
  if (::inet_pton(sizeof(Address) == 4 ? AF_INET : AF_INET6, host.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

/// The IPv4 address that an IPv6 one carries (::ffff:a.b.c.d), else none.
std::optional<Address4> mapped_address(const Address6& bytes) {
  constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(prefix.begin(), prefix.end(), bytes.begin())) return std::nullopt;
  return Address4{bytes[12], bytes[13], bytes[14], bytes[15]};
}

bool is_loopback_address(const Address4& bytes) { return bytes[0] == 127; }
bool is_private_address(const Address4& bytes) {
  return bytes[0] == 10 || (bytes[0] == 172 && bytes[1] >= 16 && bytes[1] < 32) ||
         (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 169 && bytes[1] == 254);
}

/// Whether `accept` says yes to the address that `host` is; a name is none.
template <typename Accept4, typename Accept6>
bool address_is(const std::string& host, const Accept4& accept4, const Accept6& accept6) {
  if (const auto four = parse_address<Address4>(host)) return accept4(*four);
  const auto six = parse_address<Address6>(host);
  if (!six) return false;
  if (const auto mapped = mapped_address(*six)) return accept4(*mapped);
  return accept6(*six);
}

bool is_under(std::string_view host, std::string_view domain) {
  return host == domain ||
         (host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
}

/// Bytes that may stand in a path or a query as they are (RFC 3986).
bool is_url_byte(char c) {
  return base::is_alnum(c) || std::string_view("-._~!$&'()*+,;=:@/%").find(c) != std::string_view::npos;
}

void append_escaped(std::string& out, std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (base::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || (keep_slash && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

/// Lower case; an IPv6 address in its shortest form.
std::string parse_host(std::string_view text, std::string_view host, bool bracketed) {
  if (host.empty()) bad_url(text, "the host is missing");
  std::string name = base::lower(host);
  if (bracketed) {
    const auto address = parse_address<Address6>(name);
    if (!address) bad_url(text, "what is in brackets is not an IPv6 address");
    std::array<char, INET6_ADDRSTRLEN> shortest{};
    ::inet_ntop(AF_INET6, address->data(), shortest.data(), shortest.size());
    return shortest.data();
  }
  const auto is_name_byte = [](char c) { return base::is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  if (name.size() > 253 || !std::all_of(name.begin(), name.end(), is_name_byte))
    bad_url(text, "the host holds characters that no host name has");
  if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string::npos)
    bad_url(text, "the host has an empty label");
  // "127.1", "0x7f.1" and "2130706433" are addresses to some resolvers and names to others.
  const std::string last = name.substr(name.rfind('.') + 1);
  const bool numeric = base::is_digits(last) || last.starts_with("0x");
  if (numeric && !parse_address<Address4>(name)) bad_url(text, "the host is not an IPv4 address of four numbers");
  return name;
}

int parse_port(std::string_view text, std::string_view digits, int standard) {
  if (digits.empty()) return standard;
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (!base::is_digits(digits) || error != std::errc() || end != digits.data() + digits.size() || port < 1 ||
      port > 65535)
    bad_url(text, "the port is not a number from 1 to 65535");
  return port;
}

}  // namespace

Url Url::parse(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_control)) bad_url(text, "it holds a space or a control character");

  Url url;
  const std::size_t slashes = text.find("://");
  if (slashes == std::string_view::npos) bad_url(text, "it does not start with http:// or https://");
  url.scheme_ = base::lower(text.substr(0, slashes));
  if (url.scheme_ != "http" && url.scheme_ != "https") bad_url(text, "it does not start with http:// or https://");

  std::string_view rest = text.substr(slashes + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  const std::string_view path = rest.substr(authority_end);
  if (authority.find('@') != std::string_view::npos) bad_url(text, "a user or password does not belong in it");
  if (path.find('?') != std::string_view::npos) bad_url(text, "a query does not belong in it");
  if (path.find('#') != std::string_view::npos) bad_url(text, "a fragment does not belong in it");
  if (!std::all_of(path.begin(), path.end(), is_url_byte))
    bad_url(text, "its path holds characters that must be escaped");

  const bool bracketed = authority.starts_with('[');
  const std::size_t host_end = bracketed ? authority.find(']') : authority.rfind(':');
  if (bracketed && host_end == std::string_view::npos) bad_url(text, "a bracket is not closed");
  const std::string_view host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  std::string_view port = authority.substr(std::min(bracketed ? host_end + 1 : host_end, authority.size()));
  if (!port.empty() && port.front() != ':') bad_url(text, "something stands between the host and the port");
  if (!port.empty()) port.remove_prefix(1);

  url.host_ = parse_host(text, host, bracketed);
  url.port_ = parse_port(text, port, url.scheme_ == "https" ? 443 : 80);
  url.path_ = path;
  while (url.path_.ends_with('/')) url.path_.pop_back();
  return url;
}

bool Url::is_loopback() const {
  if (is_under(host_, "localhost")) return true;
  return address_is(host_, is_loopback_address, [](const Address6& bytes) {
    constexpr Address6 loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return bytes == loopback;
  });
}

bool Url::is_local() const {
  if (is_loopback()) return true;
  const bool is_address = parse_address<Address4>(host_) || parse_address<Address6>(host_);
  if (!is_address) {
    if (host_.find('.') == std::string::npos) return true;
    for (const std::string_view domain : {"local", "internal", "test", "home.arpa"})
      if (is_under(host_, domain)) return true;
    return false;
  }
  return address_is(host_, is_private_address, [](const Address6& bytes) {
    const bool unique_local = (bytes[0] & 0xfe) == 0xfc;
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    return unique_local || link_local;
  });
}

std::string Url::str() const {
  const bool bracketed = host_.find(':') != std::string::npos;
  std::string text = scheme_ + "://" + (bracketed ? "[" + host_ + "]" : host_);
  if (port_ != (scheme_ == "https" ? 443 : 80)) text += ":" + std::to_string(port_);
  return text + path_;
}

std::string Url::with(std::string_view path, const std::vector<std::pair<std::string, std::string>>& query) const {
  std::string text = str();
  append_escaped(text, path, true);
  char before = '?';
  for (const auto& [name, value] : query) {
    text += before;
    append_escaped(text, name, false);
    text += '=';
    append_escaped(text, value, false);
    before = '&';
  }
  return text;
}

}  // namespace pod::http
