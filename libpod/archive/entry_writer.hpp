// What Writer asks of both kinds of archive.
#pragma once

#include "archive/archive.hpp"
#include "base/files.hpp"

#include <memory>

namespace pod::archive {

/// One thread at a time. After an exception only the destructor is called, and the file is left without its end.
class EntryWriter {
 public:
  virtual ~EntryWriter() = default;
  virtual void add_file(const StatePath& path, std::uint64_t size, base::ByteSource& source, unsigned mode) = 0;
  virtual void add_folder(const StatePath& path, unsigned mode) = 0;
  virtual void finish() = 0;
};

/// Where an archive goes; both writers borrow it.
struct Output {
  base::fs::path path;
  base::Fd fd;
  void write(base::ConstBytes bytes) const { base::write_all(fd.get(), bytes, path); }
};

std::unique_ptr<EntryWriter> make_zip_writer(const Output& output);
std::unique_ptr<EntryWriter> make_tar_writer(const Output& output);

}  // namespace pod::archive
