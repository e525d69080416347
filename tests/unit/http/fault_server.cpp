#include "http/fault_server.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <stdexcept>

namespace pod::test {
namespace {

/// A socket bound to a free loopback port, and the port.
std::pair<int, int> bound_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0)
    throw std::runtime_error("no loopback port for a test server");
  return {fd, ntohs(address.sin_port)};
}

}  // namespace

std::string Asked::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "";
}

std::size_t Asked::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; }));
}

Peer::~Peer() { close(); }

std::optional<Asked> Peer::read_head() {
  std::size_t end = 0;
  while ((end = ahead_.find("\r\n\r\n")) == std::string::npos) {
    std::array<char, 16384> buffer{};
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) return std::nullopt;
    ahead_.append(buffer.data(), static_cast<std::size_t>(count));
  }
  const std::string head = ahead_.substr(0, end + 2);
  ahead_.erase(0, end + 4);

  Asked asked;
  std::size_t line_end = head.find("\r\n");
  const std::string first = head.substr(0, line_end);
  const std::size_t space = first.find(' ');
  asked.method = first.substr(0, space);
  asked.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  while (line_end + 2 < head.size()) {
    const std::size_t start = line_end + 2;
    line_end = head.find("\r\n", start);
    const std::string line = head.substr(start, line_end - start);
    const std::size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    asked.headers.emplace_back(name, value == std::string::npos ? "" : line.substr(value));
  }
  return asked;
}

std::string Peer::read_body(const Asked& head) {
  const std::string promised = head.header("content-length");
  std::size_t left = promised.empty() ? 0 : std::stoul(promised);
  std::string body;
  while (left > 0) {
    if (ahead_.empty()) {
      std::array<char, 65536> buffer{};
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count <= 0) return body;
      ahead_.assign(buffer.data(), static_cast<std::size_t>(count));
    }
    const std::size_t count = std::min(left, ahead_.size());
    body += ahead_.substr(0, count);
    ahead_.erase(0, count);
    left -= count;
  }
  return body;
}

std::optional<Asked> Peer::read() {
  auto asked = read_head();
  if (!asked) return std::nullopt;
  asked->body = read_body(*asked);
  const std::string promised = asked->header("content-length");
  if (!promised.empty() && asked->body.size() != std::stoul(promised)) return std::nullopt;
  return asked;
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool Peer::answer(int status, std::string_view body, std::string_view more_headers) {
  std::string text =
      "HTTP/1.1 " + std::to_string(status) + " Word\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  text += more_headers;
  text += "\r\n";
  text += body;
  return send(text);
}

void Peer::pause(std::chrono::milliseconds duration) const {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (!stopped_ && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::min(duration, std::chrono::milliseconds(5)));
}

void Peer::hang() {
  // Only the client's going is waited for; what it still sends stays unread.
  pollfd waiting{fd_, POLLRDHUP, 0};
  while (!stopped_ && ::poll(&waiting, 1, 10) == 0) continue;
}

void Peer::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Peer::close() {
  const std::lock_guard lock(closing_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Peer::wake() {
  const std::lock_guard lock(closing_);
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

FaultServer::FaultServer(Script script) : script_(std::move(script)) {
  std::tie(listener_, port_) = bound_socket();
  if (::listen(listener_, 64) != 0) throw std::runtime_error("a test server cannot listen");
  acceptor_ = std::thread([this] { serve(); });
}

FaultServer::~FaultServer() {
  stopped_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (Peer& peer : peers_) peer.wake();
  for (std::thread& thread : threads_) thread.join();
}

void FaultServer::serve() {
  while (!stopped_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    Peer& peer = peers_.emplace_back(fd, stopped_);
    threads_.emplace_back([this, &peer] {
      script_(peer);
      peer.close();
    });
  }
}

std::string FaultServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

int free_port() {
  const auto [fd, port] = bound_socket();
  ::close(fd);
  return port;
}

}  // namespace pod::test
