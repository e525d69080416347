// The floor of a first commit: every file below a folder is read, hashed (SHA-1, OpenSSL), deflated (ISA-L level 1),
// written to one file, and that file is synced. Nothing else is done: no names, no index, no look-up. On all cores, in
// pieces of 1 MiB, so that one large file keeps them all busy.
//
//   store_floor FOLDER FILE
#include <fcntl.h>
#include <isa-l.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t piece_size = 1 << 20;

struct Piece {
  const std::string* path;
  std::uint64_t offset, size;
};

void need(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(1);
}

std::size_t deflate(const std::vector<std::uint8_t>& in, std::size_t size, std::vector<std::uint8_t>& out,
                    std::vector<std::uint8_t>& level) {
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.level = 1;
  stream.level_buf = level.data();
  stream.level_buf_size = static_cast<std::uint32_t>(level.size());
  stream.gzip_flag = IGZIP_ZLIB;
  stream.end_of_stream = 1;
  stream.next_in = const_cast<std::uint8_t*>(in.data());
  stream.avail_in = static_cast<std::uint32_t>(size);
  stream.next_out = out.data();
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  need(isal_deflate_stateless(&stream) == COMP_OK, "deflate");
  return stream.total_out;
}

void work(const std::vector<Piece>& pieces, std::atomic<std::size_t>& next, std::atomic<std::uint64_t>& end,
          int target) {
  std::vector<std::uint8_t> in(piece_size), out(piece_size + piece_size / 8 + 1024), level(ISAL_DEF_LVL1_DEFAULT);
  for (std::size_t i = next++; i < pieces.size(); i = next++) {
    const Piece& piece = pieces[i];
    const int file = open(piece.path->c_str(), O_RDONLY | O_CLOEXEC);
    need(file >= 0, "open");
    const ssize_t size = pread(file, in.data(), piece.size, static_cast<off_t>(piece.offset));
    need(size == static_cast<ssize_t>(piece.size), "read");
    close(file);
    unsigned char id[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_Digest(in.data(), piece.size, id, &length, EVP_sha1(), nullptr);
    const std::size_t packed = deflate(in, piece.size, out, level);
    const std::uint64_t at = end.fetch_add(packed);
    need(pwrite(target, out.data(), packed, static_cast<off_t>(at)) == static_cast<ssize_t>(packed), "write");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(arguments[1]))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::vector<Piece> pieces;
  for (const std::string& path : paths) {
    const std::uint64_t size = fs::file_size(path);
    for (std::uint64_t at = 0; at < size; at += piece_size)
      pieces.push_back({&path, at, std::min(piece_size, size - at)});
  }
  const int target = open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  need(target >= 0, "open");
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> end{0};
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back([&] { work(pieces, next, end, target); });
  threads.clear();
  need(fsync(target) == 0, "fsync");
  std::printf("%llu bytes\n", static_cast<unsigned long long>(end.load()));
}
