// Where state comes from and goes to: a running emulator, a directory, an archive.
//
//   auto source = pod::Source::parse("http://localhost:4566");
//   pod::InstanceStatus status = pod::instance_status(source);
//
// Thread word: Source is an immutable value.
#pragma once

#include <libpod/context.hpp>
#include <libpod/error.hpp>
#include <libpod/snapshot.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod {

struct InstanceOptions {
  /// Asked once a request; the token never appears in an error or a log.
  std::function<std::optional<std::string>()> token;
  std::chrono::milliseconds connect_timeout{10000};
  /// No byte moved for this long: Error(unreachable).
  std::chrono::milliseconds idle_timeout{120000};
  /// An archive from an instance larger than this is refused.
  std::uint64_t max_archive_bytes = 16ull << 30;
  /// Without it a token goes over plain http only inside the machine or a local network: loopback and private
  /// addresses, names without a dot (containers), names in .local, .internal, .test, .home.arpa.
  bool allow_plain_http = false;
};

class POD_API Source {
 public:
  enum class Kind { instance, directory, archive };
  /// `http://…` or `https://…` is an instance, an existing folder a directory, anything else an archive file (zip,
  /// tar.zst by content; whether it is there shows when it is read). Plain http to any host is accepted, since
  /// emulators speak it, but see `allow_plain_http`. Error(invalid_argument): empty, another scheme, a URL with user or
  /// password (the token has its own way), `host:port` without a scheme.
  static Source parse(std::string_view text, InstanceOptions options = {});
  Kind kind() const noexcept { return kind_; }
  bool is_instance() const noexcept { return kind_ == Kind::instance; }
  /// As shown to people: without user or password.
  const std::string& display() const noexcept { return display_; }
  const std::filesystem::path& path() const noexcept { return path_; }
  const std::string& url() const noexcept { return url_; }
  const InstanceOptions& options() const noexcept { return options_; }

 private:
  Source() = default;
  Kind kind_ = Kind::instance;
  std::string url_;
  std::string display_;
  std::filesystem::path path_;
  InstanceOptions options_;
};

struct InstanceStatus {
  Emulator emulator;
  std::string agent;  // version of pod-agent; empty for an emulator with its own endpoints
  int format = 0;
  std::string session;                  // changes when the emulator restarts
  std::optional<std::string> injected;  // the version last injected, e.g. "shop:3"
};

enum class Strategy { overwrite, account_region_merge, service_merge, deep };
/// "overwrite", "account-region-merge", "service-merge", "deep"; Error(invalid_argument) that lists them.
POD_API Strategy parse_strategy(std::string_view text);
POD_API std::string_view strategy_name(Strategy strategy) noexcept;

struct ServiceOutcome {
  std::string service;
  bool ok = true;
  std::string message;
};

/// Asks a running instance what it is. Error(unreachable), Error(denied), Error(unsupported) (no state endpoints:
/// the hint says what pod-agent is).
POD_API InstanceStatus instance_status(const Source& instance, const Context& context = {});

}  // namespace pod
