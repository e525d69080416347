#include "fuzz_input.hpp"

#include "base/files.hpp"
#include "git/deflate.hpp"
#include "git/loose.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>

// Input: a file as it lies on the disk, or, where it begins with "d", what such a file holds compressed.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "fuzz-loose-");
  std::string bytes(fuzz::text(data, size));
  if (bytes.starts_with('d')) {
    std::string packed;
    pod::git::Deflater().whole(pod::base::bytes_of(std::string_view(bytes).substr(1)), packed);
    bytes = std::move(packed);
  }
  const std::filesystem::path file = folder.path() / "object";
  {
    const pod::base::Fd fd = pod::base::open_file(file, O_WRONLY | O_CREAT | O_TRUNC);
    pod::base::write_all(fd.get(), pod::base::bytes_of(bytes), file);
  }
  try {
    const auto stream = pod::git::LooseStream::open(file);
    fuzz::must_hold(stream != nullptr, "the file is there");
    std::uint64_t got = 0;
    pod::base::drain(*stream, [&](pod::base::ConstBytes piece) {
      got += piece.size();
      fuzz::must_hold(got <= stream->header().size, "no more comes than the head says");
    });
    fuzz::must_hold(got == stream->header().size, "as much comes as the head says");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt, "the error is the one that is promised");
  }
  return 0;
}
