#include "tiny_instance.hpp"

#include "state_words.hpp"

#include "archive/archive.hpp"
#include "base/files.hpp"
#include "digest/digest.hpp"
#include "instance/capture.hpp"
#include "json/json.hpp"
#include "snapshot/archived.hpp"

#include <libpod/error.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace pod::test {
namespace {

const std::vector<std::string> known_services{"s3", "sns", "sqs"};

std::string service_named_in(const std::string& path) { return std::string(service_of(StatePath::parse(path))); }

std::string triple_of(const std::string& path) {
  const auto parsed = StatePath::parse(path);
  const auto parts = parsed.components();
  if (parts.size() < 5 || parts[0] != "api_states") return {};
  return std::string(parts[1]) + "/" + std::string(parts[2]) + "/" + std::string(parts[3]);
}

/// What is a pickle already stays as it is.
std::string on_the_wire(const std::string& word, int noise) {
  return word.starts_with('\x80') ? word : pickled(word, noise);
}

bool is_state(const std::string& path) { return path.ends_with(".state"); }

std::vector<std::string> split(const std::string& text, char mark) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, mark);)
    if (!part.empty()) out.push_back(part);
  return out;
}

std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string parameter(const std::string& query, const std::string& name) {
  for (const std::string& pair : split(query, '&'))
    if (pair.starts_with(name + "=")) return decoded(pair.substr(name.size() + 1));
  return {};
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

json::Value error_body(const std::string& code, const std::string& message) {
  return {{"error", {{"code", code}, {"message", message}}}};
}

}  // namespace

TinyInstance::TinyInstance() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 8) != 0 || ::getsockname(listener_, raw, &size) != 0 ||
      ::pipe(stop_) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

TinyInstance::~TinyInstance() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
}

TinyInstance::Files TinyInstance::files() const {
  const std::lock_guard guard(mutex_);
  return files_;
}
void TinyInstance::set(const std::string& path, const std::string& content) {
  const std::lock_guard guard(mutex_);
  files_[path] = content;
}
void TinyInstance::erase(const std::string& path) {
  const std::lock_guard guard(mutex_);
  files_.erase(path);
}

void TinyInstance::serve() {
  for (;;) {
    pollfd waits[2]{{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) return;
    const base::Fd socket(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (socket) talk(socket.get());
  }
}

void TinyInstance::talk(int socket) {
  std::string bytes;
  char buffer[65536];
  const auto more = [&] {
    const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
    if (count > 0) bytes.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  };
  while (bytes.find("\r\n\r\n") == std::string::npos)
    if (!more()) return;
  const std::size_t head_size = bytes.find("\r\n\r\n") + 4;
  std::istringstream head(bytes.substr(0, head_size));
  Request request;
  std::string target, line;
  head >> request.method >> target;
  std::getline(head, line);
  while (std::getline(head, line) && line != "\r") {
    const std::size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    request.headers[name] = line.substr(colon + 2, line.size() - colon - 3);
  }
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  const std::size_t length =
      request.headers.contains("content-length") ? std::stoul(request.headers["content-length"]) : 0;
  if (request.headers.contains("expect")) send_all(socket, "HTTP/1.1 100 Continue\r\n\r\n");
  while (bytes.size() < head_size + length)
    if (!more()) return;
  request.body = bytes.substr(head_size, length);

  Answer reply;
  try {
    reply = answer(request);
  } catch (const std::exception& error) {
    reply = {500, "application/json", json::canonical(error_body("internal", error.what()))};
  }
  if (reply.lost) return;
  send_all(socket, "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nContent-Type: " + reply.type +
                       "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\nConnection: close\r\n\r\n" +
                       reply.body);
}

TinyInstance::Answer TinyInstance::answer(const Request& request) {
  const std::lock_guard guard(mutex_);
  const auto json_answer = [](const json::Value& value) {
    return Answer{200, "application/json", json::canonical(value)};
  };
  if (request.path == "/_localstack/pods/environment")
    return json_answer({{"emulator", "moto"},
                        {"emulator_version", behaviour_.emulator_version},
                        {"python", "3.11"},
                        {"agent", "0.1.0"},
                        {"format", behaviour_.format},
                        {"localstack_version", nullptr},
                        {"moto_ext_version", behaviour_.emulator_version},
                        {"pro", false}});
  if (request.path == "/_localstack/info")
    return json_answer({{"version", behaviour_.emulator_version},
                        {"edition", "pod-agent"},
                        {"agent", "0.1.0"},
                        {"emulator", "moto"},
                        {"python", "3.11"},
                        {"format", behaviour_.format},
                        {"session_id", "tiny"},
                        {"injected", nullptr}});
  if (request.path == "/_localstack/health")
    return json_answer(
        {{"services", json::Value::object()}, {"edition", "pod-agent"}, {"version", behaviour_.emulator_version}});
  if (request.path == "/_pod/state") {
    const json::Value body = json::parse(request.body, "body");
    std::vector<std::string> services;
    if (body.contains("services") && body["services"].is_array())
      services = json::strings_member(body, "services", "body");
    const auto have = body.contains("have") ? json::strings_member(body, "have", "body") : std::vector<std::string>();
    return capture(services, {have.begin(), have.end()});
  }
  if (request.path == "/_localstack/pods/state") return capture(split(parameter(request.query, "services"), ','), {});
  if (request.path == "/_localstack/pods") return load(request);
  if (request.path == "/_localstack/state/reset") {
    files_.clear();
    return json_answer(json::Value::object());
  }
  for (const std::string& service : known_services) {
    if (request.path != "/_localstack/state/" + service + "/reset") continue;
    std::erase_if(files_, [&](const auto& file) { return service_named_in(file.first) == service; });
    return json_answer(json::Value::object());
  }
  const bool reset = request.path.starts_with("/_localstack/state/");
  return {404, "application/json", json::canonical(error_body(reset ? "unknown_service" : "not_found", "not here"))};
}

TinyInstance::Answer TinyInstance::capture(const std::vector<std::string>& services,
                                           const std::set<std::string>& have) {
  if (behaviour_.before_capture) behaviour_.before_capture();
  const std::vector<std::string>& asked = services.empty() ? known_services : services;
  json::Value captured = json::Value::array(), empty = json::Value::array(), failed = json::Value::array();
  std::set<std::string> taken;
  for (const std::string& service : asked) {
    const bool any = std::any_of(files_.begin(), files_.end(),
                                 [&](const auto& file) { return service_named_in(file.first) == service; });
    if (behaviour_.unsavable.contains(service))
      failed.push_back({{"service", service}, {"reason", "cannot be pickled"}});
    else if (any)
      captured.push_back(service), taken.insert(service);
    else
      empty.push_back(service);
  }
  const base::TempFolder folder("/tmp", "tiny-");
  const Context context;
  archive::Writer writer(folder.path() / "state.zip", archive::Format::zip, context);
  json::Value entries = json::Value::array();
  std::string lines;
  behaviour_.omitted = 0;
  for (const auto& [path, word] : files_) {
    if (!taken.contains(service_named_in(path))) continue;
    const std::string content = is_state(path) ? on_the_wire(word, behaviour_.noise) : word;
    const std::string sha256 = digest::hex(digest::sha256(content));
    const bool left_out = path.find("/blobs/") != std::string::npos && have.contains(sha256);
    if (left_out)
      ++behaviour_.omitted;
    else
      writer.add(StatePath::parse(path), content);
    entries.push_back({{"path", path}, {"size", content.size()}, {"sha256", sha256}, {"omitted", left_out}});
    lines += sha256 + " " + path + "\n";
  }
  writer.add(
      StatePath::parse(".pod/capture.json"),
      json::canonical(
          {{"format", behaviour_.format},
           {"emulator",
            {{"name", "moto"}, {"version", behaviour_.emulator_version}, {"python", "3.11"}, {"agent", "0.1.0"}}},
           {"process", "tiny"},
           {"services", {{"captured", captured}, {"empty", empty}, {"failed", failed}}},
           {"entries", entries},
           {"digest", digest::hex(digest::sha256(lines))}}));
  writer.finish();
  return {200, "application/zip", base::read_file(folder.path() / "state.zip", 1 << 30).value()};
}

/// Of the services that an archive speaks for.
std::string TinyInstance::digest_now(const SnapshotInfo& info) const {
  std::string lines;
  for (const auto& [path, word] : files_) {
    const std::string service = service_named_in(path);
    if (std::find(info.captured.begin(), info.captured.end(), service) == info.captured.end() &&
        std::find(info.empty.begin(), info.empty.end(), service) == info.empty.end())
      continue;
    lines +=
        digest::hex(digest::sha256(is_state(path) ? on_the_wire(word, behaviour_.noise) : word)) + " " + path + "\n";
  }
  return digest::hex(digest::sha256(lines));
}

TinyInstance::Answer TinyInstance::load(const Request& request) {
  if (behaviour_.before_post) behaviour_.before_post();
  if (behaviour_.refuse_posts)
    return {422, "application/json", json::canonical(error_body("refused", "names what may not be loaded"))};
  const base::TempFolder folder("/tmp", "tiny-");
  base::write_file_atomically(folder.path() / "in.zip", request.body);
  const Context context;
  try {
    (void)instance::check_archive(folder.path() / "in.zip", {}, context);
  } catch (const Error& error) {
    return {422, "application/json", json::canonical(error_body("damaged", error.message()))};
  }
  archive::Reader reader(folder.path() / "in.zip", {}, context);
  const SnapshotInfo info = snapshot::read_info(reader);
  Files incoming;
  behaviour_.posted_states.clear();
  reader.for_each([&](const archive::Entry& entry, base::ByteSource& content) {
    const std::string service = service_named_in(entry.path.str());
    if (std::find(info.captured.begin(), info.captured.end(), service) != info.captured.end())
      incoming[entry.path.str()] = base::read_all(content, 1 << 30);
    if (!is_state(entry.path.str())) return;
    behaviour_.posted_states.push_back(incoming[entry.path.str()]);
    incoming[entry.path.str()] = word_in(behaviour_.posted_states.back());
  });
  const auto expected = request.headers.find("if-match");
  if (expected != request.headers.end() && expected->second != '"' + digest_now(info) + '"')
    return {412, "application/json", json::canonical(error_body("state_moved", "the state has changed"))};
  const auto version = request.headers.find("x-pod-version");
  behaviour_.posted_versions.push_back(version == request.headers.end() ? "" : version->second);

  const bool overwrite = parameter(request.query, "merge") == "overwrite";
  std::vector<std::string> touched = info.captured;
  if (overwrite) touched.insert(touched.end(), info.empty.begin(), info.empty.end());
  std::string lines;
  bool partial = false;
  for (const std::string& service : touched) {
    if (behaviour_.unloadable.contains(service)) {
      partial = true;
      lines += json::canonical({{"service", service}, {"status", "error"}, {"message", "it was left as it was"}});
      continue;
    }
    std::set<std::string> triples;
    for (const auto& [path, content] : incoming)
      if (service_named_in(path) == service) triples.insert(triple_of(path));
    std::erase_if(files_, [&](const auto& file) {
      return service_named_in(file.first) == service && (overwrite || triples.contains(triple_of(file.first)));
    });
    for (const auto& [path, content] : incoming)
      if (service_named_in(path) == service) files_[path] = content;
    lines += json::canonical({{"service", service}, {"status", "ok"}, {"message", "loaded"}});
  }
  lines += json::canonical({{"event", "completion"},
                            {"operation", "load"},
                            {"status", partial ? "partial" : "ok"},
                            {"digest", std::string(64, '0')}});
  return {201, "application/x-ndjson", lines, behaviour_.lose_answer};
}

}  // namespace pod::test
