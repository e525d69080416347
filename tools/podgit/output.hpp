// Standard output: buffered, through a pager where the command wants one, and every failure to write is noticed.
#pragma once

#include <sys/types.h>
#include <string>
#include <string_view>

namespace podgit {

/// One thread at a time.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  /// What is written from here on goes to $PODGIT_PAGER, $PAGER or "less -FRX"; only on a terminal. The command comes
  /// from the user's environment, never from a store.
  void start_pager();
  void write(std::string_view text);
  void line(std::string_view text);
  /// What was written so far is out, so that standard error comes after it on the same terminal. Not with a pager.
  void keep_order();
  /// The reader need not wait for more.
  void flush();
  /// Everything is written and the pager has ended. Throws pod::Error(io) where something could not be written.
  void finish();
  /// Nobody reads any more (`| head`, a pager that was left): stop producing.
  bool closed() const noexcept { return closed_; }

 private:
  int fd_ = 1;
  pid_t pager_ = -1;
  bool closed_ = false;
  std::string buffer_;
};

/// Ends the process as SIGPIPE would: in silence, and the shell sees why.
[[noreturn]] void end_by_broken_pipe();

}  // namespace podgit
