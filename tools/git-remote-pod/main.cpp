#include "conversation.hpp"
#include "environment.hpp"
#include "errors.hpp"
#include "progress.hpp"
#include "terminal.hpp"

#include <libpod/libpod.hpp>

#include <unistd.h>
#include <csignal>
#include <iostream>

namespace {

pod::CancelToken interrupted;

/// The first signal stops in order, the second kills.
extern "C" void stop_on_signal(int number) {
  interrupted.cancel();
  std::signal(number, SIG_DFL);
}

/// Shown once git says that it wants to see it.
class ProgressOnWish final : public pod::Progress {
 public:
  void wish(bool wanted) {
    const auto mode = !wanted                              ? podgit::ProgressMode::none
                      : podgit::can_animate(STDERR_FILENO) ? podgit::ProgressMode::animated
                                                           : podgit::ProgressMode::plain;
    shown_.emplace(mode, [](std::string_view text) { std::cerr << "warning: " << text << '\n'; });
  }
  void begin(std::string_view step, std::optional<std::uint64_t> total) override { shown().begin(step, total); }
  void advance(std::uint64_t bytes) override { shown().advance(bytes); }
  void end() override { shown().end(); }
  void warn(std::string_view message) override { shown().warn(message); }
  void stop() { shown().stop(); }

 private:
  podgit::StderrProgress& shown() {
    if (!shown_) wish(false);
    return *shown_;
  }
  std::optional<podgit::StderrProgress> shown_;
};

}  // namespace

int main(int argc, char** argv) {
  podgit::repair_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    if (std::signal(number, stop_on_signal) == SIG_IGN) std::signal(number, SIG_IGN);
  ProgressOnWish progress;
  try {
    if (argc != 3) podgit::throw_usage("git-remote-pod is run by git", "git clone pod::s3://bucket/prefix");
    for (const char* elsewhere : {"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"})
      if (podgit::environment(elsewhere))
        throw pod::Error(pod::ErrorCode::unsupported, std::string(elsewhere) + " is set")
            .because("a repository whose objects lie elsewhere cannot share pods")
            .hint("unset it");
    pod::Context context;
    context.progress = &progress;
    context.cancel = &interrupted;
    const pod::RemoteOptions access{.bucket_access = [](const std::string&) {
      return pod::aws_access([](const char* variable) { return podgit::environment(variable); });
    }};
    git_remote_pod::Conversation conversation(podgit::environment("GIT_DIR").value_or(""), argv[2], access, context,
                                              [&](bool wanted) { progress.wish(wanted); });
    conversation.run(std::cin, std::cout);
    return 0;
  } catch (...) {
    const podgit::Failure failure = podgit::current_failure();
    progress.stop();
    std::cerr << podgit::failure_text(failure, podgit::use_colour(STDERR_FILENO, podgit::ColourChoice::automatic));
    return failure.exit;
  }
}
