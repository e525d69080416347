// write_pack FOLDER COUNT SIZE LARGE: a version of COUNT small blobs of SIZE bytes and one of LARGE MiB (0: none), made
// from numbers, is written to the repository at FOLDER and becomes its branch "written". For tests that count or break
// system calls, and for measuring.
#include "git/pack_writer.hpp"
#include "git/repository.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>

namespace {

using namespace pod;
using namespace pod::git;

/// Bytes that do not shrink, as many as are asked for.
class NoiseSource final : public base::ByteSource {
 public:
  explicit NoiseSource(std::uint64_t size) : rest_(size) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), rest_));
    for (std::size_t i = 0; i < count; i += 8) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      for (std::size_t j = i; j < std::min(count, i + 8); ++j)
        buffer[j] = static_cast<std::byte>(state_ >> 8 * (j - i));
    }
    rest_ -= count;
    return count;
  }

 private:
  std::uint64_t rest_;
  std::uint64_t state_ = 88172645463325252u;
};

std::string small_content(std::mt19937_64& random, std::size_t size) {
  std::string out;
  while (out.size() < size) out += "{\"queue\": " + std::to_string(random()) + ", \"state\": \"ready\"}\n";
  out.resize(size);
  return out;
}

void write_version(const std::string& folder, int count, std::size_t size, std::uint64_t large) {
  Repository repository = Repository::open(folder);
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  std::mt19937_64 random(1);
  std::vector<TreeEntry> entries;
  for (int i = 0; i < count; ++i)
    entries.push_back(
        {"f" + std::to_string(i), 0100644, writer.add(ObjectType::blob, base::bytes_of(small_content(random, size)))});
  if (large > 0) {
    NoiseSource source(large << 20);
    entries.push_back({"large", 0100644, writer.add_blob(large << 20, source)});
  }
  Commit commit;
  commit.tree = writer.add(ObjectType::tree, base::bytes_of(encode_tree(std::move(entries))));
  commit.author = commit.committer = {"a", "a@example.org", {1700000000, 0}};
  commit.message = "written";
  const Oid id = writer.add(ObjectType::commit, base::bytes_of(encode_commit(commit)));
  writer.finish();
  const Oid before = repository.find_ref("refs/heads/written").value_or(Oid{});
  if (repository.update_ref("refs/heads/written", before, id, "") != RefUpdate::updated)
    throw Error(ErrorCode::conflict, "somebody else moved the branch");
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  try {
    write_version(arguments[1], std::stoi(arguments[2]), std::stoul(arguments[3]), std::stoull(arguments[4]));
    return 0;
  } catch (const pod::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    for (const std::string& cause : error.causes()) std::fprintf(stderr, "  %s\n", cause.c_str());
    return pod::exit_code(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 99;
  }
}
