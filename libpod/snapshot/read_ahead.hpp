// Many small files, read by all cores and handed out in their order, in bounded memory.
#pragma once

#include "snapshot/folder_scan.hpp"

#include <libpod/context.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace pod::snapshot {

/// One thread at a time for the caller; works on several inside.
class ReadAhead {
 public:
  /// `wanted`: positions in `files`, rising. A larger file than `limit` is left to the caller.
  ReadAhead(int root, const std::vector<FoundFile>& files, std::vector<std::size_t> wanted, std::uint64_t limit,
            const Context& context);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The content of the next wanted file, until the next call; nullopt where it is large, could not be read, or is not
  /// what the scan saw.
  std::optional<std::string_view> next();

 private:
  struct Batch {
    std::size_t from = 0;  // in wanted_
    std::size_t to = 0;
    std::uint64_t bytes = 0;
    std::string content;
    std::vector<std::optional<std::pair<std::size_t, std::size_t>>> places;  // offset and size in it
  };
  void plan();
  void work();
  void read(Batch& batch) const;

  int root_;
  const std::vector<FoundFile>& files_;
  std::vector<std::size_t> wanted_;
  std::uint64_t limit_;
  const Context& context_;
  std::vector<Batch> batches_;
  std::size_t batch_ = 0;  // that next() hands out
  std::size_t place_ = 0;  // in it
  std::string content_;    // what was handed out last lies here

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
  std::vector<char> done_;
  std::size_t started_ = 0;
  std::uint64_t under_way_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
};

}  // namespace pod::snapshot
