#include "environment.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <vector>

namespace podgit {
namespace {

namespace fs = std::filesystem;

struct Account {
  std::string name;
  std::string full_name;
  std::string home;
};

std::optional<Account> account() {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  const std::string gecos = found->pw_gecos == nullptr ? "" : found->pw_gecos;
  return Account{found->pw_name, gecos.substr(0, gecos.find(',')), found->pw_dir};
}

fs::path xdg_folder(const char* variable, const char* below_home) {
  if (const auto value = environment(variable); value && fs::path(*value).is_absolute()) return *value;
  return home_folder() / below_home;
}

}  // namespace

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

fs::path home_folder() {
  if (const auto home = environment("HOME"); home && fs::path(*home).is_absolute()) return *home;
  if (const auto user = account(); user && fs::path(user->home).is_absolute()) return user->home;
  throw pod::Error(pod::ErrorCode::not_found, "the user has no home folder")
      .hint("set HOME, or name a store with --store DIR");
}

fs::path data_home() { return xdg_folder("XDG_DATA_HOME", ".local/share"); }
fs::path config_home() { return xdg_folder("XDG_CONFIG_HOME", ".config"); }

Login login() {
  Login out;
  if (const auto user = account()) {
    out.name = user->name;
    out.full_name = user->full_name;
  } else {
    out.name = environment("USER").value_or("uid-" + std::to_string(geteuid()));
  }
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0) out.host = host.data();
  if (out.host.empty()) out.host = "localhost";
  return out;
}

void repair_standard_streams() noexcept {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // open() takes the lowest free number, which is `fd`; the wrong direction makes its use fail
    if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) _exit(1);
  }
}

}  // namespace podgit
