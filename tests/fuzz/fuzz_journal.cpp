#include "fuzz_input.hpp"

#include "store/journal.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <filesystem>
#include <string>

// Input: the file pod/journal. Whatever it holds, questions are answered, a new line can be read back, and a repair
// leaves a journal in which nothing is wrong.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "pod-fuzz-");
  const std::filesystem::path file = folder.path() / "journal";
  const std::filesystem::path aside = folder.path() / "aside";
  std::filesystem::create_directory(aside);
  pod::base::write_file_atomically(file, fuzz::text(data, size));
  pod::store::Journal journal(file);
  const std::size_t readable = journal.readable().size();
  const bool sound = journal.problems().empty();
  (void)journal.last_value("refs/heads/shop");
  try {
    const auto operations = journal.read();
    fuzz::must_hold(operations.size() == readable, "what can be read is read");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt && !sound, "a sound journal is read");
  }
  const std::size_t lost = journal.mend(aside);
  fuzz::must_hold((lost == 0) == sound, "a sound journal stays as it is");
  fuzz::must_hold(journal.problems().empty(), "nothing is wrong after a repair");
  fuzz::must_hold(journal.readable().size() >= readable, "a repair loses nothing that could be read");
  fuzz::must_hold(!journal.trim(), "nothing is left to be trimmed");

  pod::Operation operation;
  operation.verb = "commit";
  operation.what = "shop:1";
  operation.ref = "refs/heads/shop";
  operation.id = journal.announce(operation, 1);
  const auto tail = journal.tail();
  fuzz::must_hold(tail.id == operation.id && tail.open && tail.end == tail.size, "a new line is the last one");
  std::filesystem::remove_all(aside);
  return 0;
}
