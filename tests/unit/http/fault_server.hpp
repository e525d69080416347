// An HTTP server that misbehaves on demand: real sockets, a script a connection.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace pod::test {

/// What a client asked for. Header names in lower case.
struct Asked {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string header(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

/// One connection, from the server's side. Everything ends at once when the server ends.
class Peer {
 public:
  Peer(int fd, const std::atomic<bool>& stopped) : fd_(fd), stopped_(stopped) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// The request's head; nullopt when the client has gone.
  std::optional<Asked> read_head();
  /// What follows a head, by its Content-Length; what came of it when the client has gone.
  std::string read_body(const Asked& head);
  /// Head and body; nullopt when the client has gone.
  std::optional<Asked> read();
  /// False when the client has gone.
  bool send(std::string_view bytes);
  /// Status line, Content-Length, body.
  bool answer(int status, std::string_view body, std::string_view more_headers = "");
  void pause(std::chrono::milliseconds duration) const;
  /// Says nothing until the client goes.
  void hang();
  /// Closes so that the client sees a reset.
  void reset();
  void close();
  void wake();

 private:
  int fd_;
  std::mutex closing_;
  const std::atomic<bool>& stopped_;
  std::string ahead_;
};

class FaultServer {
 public:
  using Script = std::function<void(Peer&)>;
  /// Listens on a free loopback port and runs `script` for each connection, in a thread of its own.
  explicit FaultServer(Script script);
  ~FaultServer();
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;

  std::string url(std::string_view path = "/") const;
  int port() const noexcept { return port_; }
  int connections() const noexcept { return connections_; }

 private:
  void serve();

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopped_{false};
  std::atomic<int> connections_{0};
  std::list<Peer> peers_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

/// A port on which nobody listens.
int free_port();

}  // namespace pod::test
