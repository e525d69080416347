#include "fuzz_input.hpp"

#include "archive/archive.hpp"
#include "base/files.hpp"

#include <libpod/error.hpp>

#include <sys/mman.h>
#include <map>

namespace {

constexpr pod::archive::Limits limits{
    .entries = 1000, .total_bytes = 8 << 20, .ratio = 200, .ratio_floor = 1 << 20, .name_bytes = 1 << 18};

using Contents = std::map<std::string, std::string>;

Contents read(const std::string& path) {
  pod::archive::Reader reader(path, limits, {});
  Contents contents;
  std::uint64_t total = 0;
  for (const pod::archive::Entry& entry : reader.entries()) {
    fuzz::must_hold(entry.path.str().find('\\') == std::string::npos, "no path has a backslash");
    fuzz::must_hold(contents.emplace(entry.path.str(), entry.folder ? "folder" : "").second, "no path is there twice");
    total += entry.size;
  }
  fuzz::must_hold(total <= limits.total_bytes, "the sizes are within their limit");
  reader.for_each([&](const pod::archive::Entry& entry, pod::base::ByteSource& source) {
    std::string text = read_all(source, limits.total_bytes);
    fuzz::must_hold(text.size() == entry.size, "a file has its size");
    contents[entry.path.str()] = std::move(text);
  });
  return contents;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pod::base::Fd memory(::memfd_create("archive", MFD_CLOEXEC));
  fuzz::must_hold(::ftruncate(memory.get(), 0) == 0 && ::lseek(memory.get(), 0, SEEK_SET) == 0, "the file is empty");
  const std::string path = "/proc/self/fd/" + std::to_string(memory.get());
  pod::base::write_all(memory.get(), std::as_bytes(std::span(data, size)), path);
  try {
    const Contents first = read(path);
    fuzz::must_hold(read(path) == first, "the same bytes have the same contents");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused,
                    "the error is of the two that are promised");
  }
  return 0;
}
