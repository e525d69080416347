#include "instance/http_instance.hpp"

#include "base/ascii.hpp"
#include "base/files.hpp"
#include "digest/digest.hpp"
#include "instance/answers.hpp"
#include "instance/capture.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

namespace pod::instance {
namespace {

constexpr std::uint64_t max_report = 16ull << 20;
constexpr std::size_t max_version_name = 256;
constexpr std::ptrdiff_t max_have = 500'000;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

void check_services(const std::vector<std::string>& services) {
  const auto is_name = [](const std::string& name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
      return base::is_alnum(c) || c == '.' || c == '_' || c == '-';
    });
  };
  for (const std::string& service : services)
    if (!is_name(service))
      throw Error(ErrorCode::invalid_argument, quote(service) + " is no name of a service")
          .hint("names are like s3, dynamodb, sqs");
}

/// The file that an archive is spooled into; gone again unless `keep`.
class Spool {
 public:
  explicit Spool(const std::filesystem::path& folder) {
    for (int number = 1; !fd_; ++number) {
      path_ = folder / ("capture-" + std::to_string(number) + ".zip");
      try {
        fd_ = base::open_file(path_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::already_exists || number == 10'000) throw;
      }
    }
  }
  ~Spool() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// Error(corrupt) as soon as a lot has come that does not begin as a zip does: nobody waits for gigabytes of nothing.
  void write(base::ConstBytes piece) {
    const auto missing = std::min(piece.size(), zip_start.size() - start_.size());
    start_ += base::text_of(piece.first(missing));
    size_ += piece.size();
    if (size_ > plenty && start_ != zip_start)
      throw Error(ErrorCode::corrupt, "what the instance sends is no archive of its state");
    base::write_all(fd_.get(), piece, path_);
  }
  void restart() {
    start_.clear();
    size_ = 0;
    if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0)
      base::throw_errno(errno, "write", path_);
  }
  const std::filesystem::path& path() const noexcept { return path_; }
  void keep() noexcept { kept_ = true; }

 private:
  static constexpr std::string_view zip_start = "PK\3\4";  // an archive without entries is smaller than `plenty`
  static constexpr std::uint64_t plenty = 1 << 20;

  std::filesystem::path path_;
  base::Fd fd_;
  std::string start_;
  std::uint64_t size_ = 0;
  bool kept_ = false;
};

/// Ends the step of progress it began, also when an error passes.
class Step {
 public:
  Step(const Context& context, std::string_view name, std::optional<std::uint64_t> total)
      : progress_(context.progress) {
    progress_->begin(name, total);
  }
  ~Step() { progress_->end(); }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  Progress* progress_;
};

class SentFile final : public base::ByteSource {
 public:
  SentFile(const std::filesystem::path& path, const Context& context) : file_(path), context_(context) {
    struct stat status {};
    if (::fstat(file_.fd(), &status) != 0) base::throw_errno(errno, "read", path);
    if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::invalid_argument, quote(path.native()) + " is no file");
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  std::size_t read(std::span<std::byte> buffer) override {
    const std::size_t count = file_.read(buffer);
    context_.progress->advance(count);
    return count;
  }
  std::uint64_t size() const noexcept { return size_; }

 private:
  base::FileSource file_;
  const Context& context_;
  std::uint64_t size_ = 0;
};

http::ClientOptions client_options(const InstanceOptions& options) {
  http::ClientOptions out;
  out.connect_timeout = options.connect_timeout;
  out.idle_timeout = options.idle_timeout;
  out.max_response_bytes = options.max_archive_bytes;
  out.max_memory_body = max_report;
  // Few: somebody waits for the answer, and an emulator on this machine is there or is not.
  out.retries = 2;
  out.retry_budget = std::chrono::seconds(30);
  out.user_agent = "libpod/" + std::string(version());
  return out;
}

}  // namespace

struct HttpInstance::Impl {
  Impl(const Source& given_source, const Context& given_context)
      : source(given_source),
        url(http::Url::parse(source.url())),
        context(given_context),
        client(client_options(source.options()), context),
        asked{source.display(), url.port(), url.is_loopback(), {}} {}

  /// A request with the token, if there is one.
  http::Request request(std::string method, std::string_view path,
                        const std::vector<std::pair<std::string, std::string>>& query = {});
  /// The answer, whatever its status; Error(unreachable) in the user's terms where nobody is there.
  http::Response send(const http::Request& request, const base::ByteSink& sink = {},
                      const std::function<void()>& restart = {});
  InstanceStatus status();
  bool is_agent();
  void reset(const std::string& path);
  http::Response receive(const std::vector<std::string>& services, const std::vector<std::string>& have, Spool& spool);
  void complete_foreign(Capture& capture, const http::Response& response);

  Source source;
  http::Url url;
  Context context;
  http::Client client;
  Asked asked;
  std::optional<InstanceStatus> known;
};

http::Request HttpInstance::Impl::request(std::string method, std::string_view path,
                                          const std::vector<std::pair<std::string, std::string>>& query) {
  http::Request request;
  request.method = std::move(method);
  request.url = url.with(path, query);
  asked.token = source.options().token ? source.options().token().value_or("") : "";
  if (asked.token.empty()) return request;
  if (url.scheme() == "http" && !url.is_local() && !source.options().allow_plain_http)
    throw Error(ErrorCode::refused, "the token for " + quote(asked.url) + " would cross a network in plain text")
        .hint("use https, or a tunnel: `ssh -L 4566:localhost:" + std::to_string(url.port()) + " " + url.host() +
              "` and http://localhost:4566");
  request.headers.emplace_back("Authorization", "Basic " + digest::base64(":" + asked.token));
  return request;
}

http::Response HttpInstance::Impl::send(const http::Request& request, const base::ByteSink& sink,
                                        const std::function<void()>& restart) {
  try {
    return client.send(request, sink, restart);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unreachable || client.reached()) throw;
    Error nobody(ErrorCode::unreachable, "no emulator answers at " + quote(asked.url));
    for (const std::string& cause : error.causes()) nobody.because(cause);
    if (asked.loopback)
      nobody.hint("start one with `pod-agent moto --port " + std::to_string(asked.port) + "`");
    else
      nobody.hint("check the address, and that the emulator listens on more than its own loopback address");
    throw nobody;
  }
}

InstanceStatus HttpInstance::Impl::status() {
  const http::Response environment = send(request("GET", "/_localstack/pods/environment"));
  if (environment.status != 200) throw failure_of(environment, asked);
  const json::Value about = description(environment, asked);
  const auto text = [](const json::Value& object, std::string_view member) {
    return one_line(json::find_string(object, member).value_or(""), 100);
  };
  InstanceStatus status;
  status.agent = text(about, "agent");
  status.emulator = {text(about, "emulator"), text(about, "emulator_version"), text(about, "python")};
  if (status.emulator.name.empty() && json::find_string(about, "localstack_version"))
    status.emulator = {"localstack", text(about, "localstack_version"), text(about, "python")};
  if (status.emulator.name.empty())
    throw Error(ErrorCode::unsupported, quote(asked.url) + " does not say which emulator it is")
        .hint(how_to_start_an_agent(asked));
  if (const auto format = about.find("format"); format != about.end() && format->is_number_integer())
    status.format = static_cast<int>(std::clamp<std::int64_t>(format->get<std::int64_t>(), 0, 1'000'000));

  // What only some emulators have: the rest is known without it.
  const http::Response info = send(request("GET", "/_localstack/info"));
  if (info.status == 200) {
    const json::Value more = description(info, asked);
    status.session = text(more, "session_id");
    if (const auto injected = more.find("injected"); injected != more.end() && injected->is_object())
      if (const auto name = json::find_string(*injected, "version"))
        status.injected = one_line(*name, max_version_name);
  }
  known = status;
  return status;
}

bool HttpInstance::Impl::is_agent() {
  if (!known) status();
  return !known->agent.empty();
}

http::Response HttpInstance::Impl::receive(const std::vector<std::string>& services,
                                           const std::vector<std::string>& have, Spool& spool) {
  const Step step(context, "capturing", std::nullopt);
  const auto sink = [&](base::ConstBytes piece) {
    spool.write(piece);
    context.progress->advance(piece.size());
  };
  const auto restart = [&] { spool.restart(); };
  // Only pod-agent leaves out what the caller has; elsewhere the path may belong to the emulated cloud.
  if (have.empty() || !is_agent()) {
    std::vector<std::pair<std::string, std::string>> query;
    if (!services.empty()) query.emplace_back("services", joined(services));
    return send(request("GET", "/_localstack/pods/state", query), sink, restart);
  }
  // What is not named is sent, so that a longer list than an agent takes costs time alone.
  const std::vector<std::string> named(have.begin(),
                                       have.begin() + std::min<std::ptrdiff_t>(std::ssize(have), max_have));
  json::Value wanted = {{"have", named}};
  if (!services.empty()) wanted["services"] = services;
  const std::string body = json::canonical(wanted);
  base::MemorySource bytes{std::string_view(body)};
  http::Request asking = request("POST", "/_pod/state");
  asking.headers.emplace_back("Content-Type", "application/json");
  asking.body = &bytes;
  asking.body_size = body.size();
  asking.rewind = [&] { bytes = base::MemorySource(std::string_view(body)); };
  asking.repeatable = true;
  return send(asking, sink, restart);
}

/// An emulator with its own endpoints says less: its header names the services, its description the version.
void HttpInstance::Impl::complete_foreign(Capture& capture, const http::Response& response) {
  bool agent = false;
  try {
    agent = is_agent();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
  }
  if (agent)
    throw Error(ErrorCode::corrupt, "the state that " + quote(asked.url) + " sent was cut short")
        .because("\".pod/capture.json\", which ends it, is missing");
  if (known && capture.info.emulator.name.empty()) capture.info.emulator = known->emulator;
  std::string names = response.header("x-localstack-pod-services").value_or("");
  std::replace(names.begin(), names.end(), ' ', ',');
  std::vector<std::string> services;
  for (std::size_t start = 0; start < names.size();) {
    const std::size_t end = std::min(names.find(',', start), names.size());
    if (end > start) services.push_back(names.substr(start, end - start));
    start = end + 1;
  }
  check_services(services);
  capture.info.captured.insert(capture.info.captured.end(), services.begin(), services.end());
  std::sort(capture.info.captured.begin(), capture.info.captured.end());
  capture.info.captured.erase(std::unique(capture.info.captured.begin(), capture.info.captured.end()),
                              capture.info.captured.end());
}

void HttpInstance::Impl::reset(const std::string& path) {
  try {
    const http::Response response = send(request("POST", path));
    if (response.status < 200 || response.status >= 300) throw failure_of(response, asked);
  } catch (Error& error) {
    if (error.code() == ErrorCode::outcome_unknown)
      error.hint("the state may be gone or not: look with `podgit doctor`");
    throw;
  }
}

HttpInstance::HttpInstance(const Source& source, const Context& context) {
  if (!source.is_instance())
    throw Error(ErrorCode::invalid_argument, quote(source.display()) + " is not a running instance")
        .hint("name the address of an emulator, e.g. http://localhost:4566");
  impl_ = std::make_unique<Impl>(source, context);
}

HttpInstance::~HttpInstance() = default;

InstanceStatus HttpInstance::status() { return impl_->status(); }

Capture HttpInstance::capture(const std::vector<std::string>& services, const std::vector<std::string>& have,
                              const std::filesystem::path& folder) {
  check_services(services);
  Spool spool(folder);
  const http::Response response = impl_->receive(services, have, spool);
  if (response.status != 200) throw failure_of(response, impl_->asked);
  const std::string name = quote(impl_->asked.url);
  const std::string type = media_type(response);
  if (!type.empty() && type != "application/zip" && type != "application/x-zip-compressed" &&
      type != "application/octet-stream")
    throw Error(ErrorCode::unsupported, name + " sent " + quote(type) + " in place of an archive of its state")
        .hint(how_to_start_an_agent(impl_->asked));

  Capture capture = [&] {
    const Step step(impl_->context, "checking", std::nullopt);
    try {
      return check_archive(spool.path(), have, impl_->context);
    } catch (Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
      throw error.within("cannot use the state that " + name + " sent (" + std::to_string(response.body_bytes) +
                         " bytes)");
    }
  }();
  if (!capture.from_agent) impl_->complete_foreign(capture, response);
  capture.archive = spool.path();
  spool.keep();
  return capture;
}

std::vector<ServiceOutcome> HttpInstance::inject(const std::filesystem::path& archive, Strategy strategy, bool force,
                                                 const std::string& version_name,
                                                 const std::optional<std::string>& if_digest) {
  constexpr auto unchanged = "the instance was not changed";
  constexpr auto look = "look at what it holds with `podgit doctor` and `podgit diff` before you inject again";
  const std::string name = quote(impl_->asked.url);
  SentFile body(archive, impl_->context);
  // Before gigabytes go to somebody who cannot take them; and an agent's report has an end to wait for.
  const bool agent = impl_->is_agent();

  std::vector<std::pair<std::string, std::string>> query{{"merge", std::string(strategy_name(strategy))}};
  if (force) query.emplace_back("force", "1");
  http::Request post = impl_->request("POST", "/_localstack/pods", query);
  post.headers.emplace_back("Content-Type", "application/zip");
  if (if_digest) post.headers.emplace_back("If-Match", "\"" + *if_digest + "\"");
  if (!version_name.empty()) post.headers.emplace_back("x-pod-version", version_name.substr(0, max_version_name));
  post.body = &body;
  post.body_size = body.size();

  const http::Response response = [&] {
    const Step step(impl_->context, "injecting", body.size());
    try {
      return impl_->send(post);
    } catch (Error& error) {
      if (error.code() == ErrorCode::outcome_unknown) throw error.hint(look);
      if (error.code() == ErrorCode::unreachable) throw error.keeping(unchanged);
      const bool strange = error.code() == ErrorCode::refused || error.code() == ErrorCode::unsupported;
      if (!strange || !impl_->client.reached()) throw;
      throw Error(ErrorCode::outcome_unknown, name + " got the state and did not answer in a way that is understood")
          .because(error.message())
          .hint(look);
    }
  }();
  if (response.status < 200 || response.status >= 300) {
    Error error = failure_of(response, impl_->asked);
    // The work is done or not before the status; what stands before the emulator knows nothing of it.
    if (response.status < 500 || response.status == 503) throw error.keeping(unchanged);
    throw Error(ErrorCode::outcome_unknown, name + " failed while it took the state")
        .because(error.message())
        .hint(look);
  }

  LoadReport report = read_report(response.body, impl_->asked);
  if (report.ending.empty() && agent)
    throw Error(ErrorCode::outcome_unknown, name + " did not say how the inject ended")
        .because(std::to_string(report.services.size()) + " services were reported before its answer broke off")
        .hint(look);
  const bool whole = report.ending.empty() || report.ending == "ok";
  if (!whole && !report.any_failed()) {
    // Somebody failed and was not named: never to be taken for success.
    const std::string reason =
        report.message.empty() ? "the instance says " + quote(report.ending) + " and no more" : report.message;
    report.services.push_back({"?", false, reason});
  }
  return std::move(report.services);
}

void HttpInstance::reset(const std::vector<std::string>& services) {
  check_services(services);
  if (!impl_->known) impl_->status();  // what has no such endpoint may take the path for one of the emulated cloud's
  if (services.empty()) return impl_->reset("/_localstack/state/reset");
  std::vector<std::string> done;
  for (const std::string& service : services) {
    try {
      impl_->reset("/_localstack/state/" + service + "/reset");
    } catch (Error& error) {
      if (!done.empty()) error.keeping("already empty: " + joined(done));
      throw;
    }
    done.push_back(service);
  }
}

}  // namespace pod::instance

namespace pod {

InstanceStatus instance_status(const Source& instance, const Context& context) {
  return instance::HttpInstance(instance, context).status();
}

}  // namespace pod
