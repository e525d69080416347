// What lies on the disk is cut, flipped, mixed up or made to do harm: an error or the same content, in no time, never a
// signal.
#include "git/deflate.hpp"
#include "git/loose.hpp"
#include "git/object_database.hpp"
#include "git/pack_index.hpp"
#include "git/pack_writer.hpp"
#include "git/repository.hpp"

#include "digest/digest.hpp"
#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <ctime>
#include <random>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

/// Of this thread's own work, so that a busy machine does not count.
double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Stored {
  std::vector<std::pair<Oid, std::string>> blobs;
  fs::path pack;
  fs::path index;
};

Stored store_blobs(const fs::path& objects) {
  fs::create_directories(objects);
  Stored stored;
  PackWriter writer(nullptr, objects, {});
  for (const std::string& content : {std::string("small"), text(3000), noise(3000), text(100'000)})
    stored.blobs.emplace_back(writer.add(ObjectType::blob, base::bytes_of(content)), content);
  const std::string large = text((1 << 20) + 5);
  base::MemorySource source(large);
  stored.blobs.emplace_back(writer.add_blob(large.size(), source), large);
  stored.pack = *writer.finish().pack;
  stored.index = fs::path(stored.pack).replace_extension(".idx");
  return stored;
}

/// Every way of reading gives an Error or what was stored; returns how many gave an Error.
int check_reading(const fs::path& objects, const Stored& stored) {
  int errors = 0;
  std::shared_ptr<ObjectDatabase> database;
  if (const auto error = error_of([&] { database = ObjectDatabase::open(objects); })) return 1;
  for (const auto& blob : stored.blobs) {
    const Oid& id = blob.first;
    const std::string& content = blob.second;
    std::string whole;
    std::string streamed;
    if (error_of([&] { whole = database->read(id, ObjectType::blob); }))
      ++errors;
    else
      CHECK(whole == content);
    if (error_of([&] { streamed = base::read_all(*database->stream(id), 1 << 22); }))
      ++errors;
    else
      CHECK(streamed == content);
    static_cast<void>(error_of([&] { static_cast<void>(database->header(id)); }));
    static_cast<void>(error_of([&] { static_cast<void>(database->contains(id)); }));
  }
  static_cast<void>(error_of([&] { database->for_each([](const Oid&) {}); }));
  static_cast<void>(error_of([&] { database->problems(); }));
  return errors;
}

std::string with_trailer(std::string bytes) {
  const Oid id = digest::Sha1().update(bytes).finish();
  bytes.append(reinterpret_cast<const char*>(id.bytes().data()), Oid::size);
  return bytes;
}

std::string deflated(std::string_view content) {
  std::string out;
  Deflater().whole(base::bytes_of(content), out);
  return out;
}

std::string entry_head(unsigned type, std::uint64_t size) {
  std::string out;
  auto byte = type << 4 | static_cast<unsigned>(size & 15);
  for (size >>= 4; size > 0; size >>= 7) {
    out += static_cast<char>(byte | 128);
    byte = static_cast<unsigned>(size & 127);
  }
  return out += static_cast<char>(byte);
}

/// A pack of hand-made entries, with an index that names them by ids of our choice.
fs::path write_pack(const fs::path& objects, const std::vector<std::pair<Oid, std::string>>& parts) {
  std::string pack("PACK\0\0\0\2\0\0\0", 11);
  pack += static_cast<char>(parts.size());
  std::vector<IndexEntry> entries;
  for (const auto& [id, bytes] : parts) {
    entries.push_back({id, 0, pack.size()});
    pack += bytes;
  }
  pack = with_trailer(pack);
  std::array<std::uint8_t, Oid::size> trailer{};
  std::copy_n(pack.end() - Oid::size, Oid::size, trailer.begin());
  const fs::path path = objects / "pack" / ("pack-" + Oid(trailer).hex() + ".pack");
  write_file(path, pack);
  write_file(fs::path(path).replace_extension(".idx"), encode_index(entries, Oid(trailer)));
  return path;
}

Oid made_up(unsigned number) {
  std::array<std::uint8_t, Oid::size> bytes{};
  bytes[0] = static_cast<std::uint8_t>(number);
  bytes[19] = 1;
  return Oid(bytes);
}

std::string id_bytes(const Oid& id) { return {reinterpret_cast<const char*>(id.bytes().data()), Oid::size}; }

}  // namespace

TEST_CASE("a loose object cut at any length gives an error at once") {
  Folder folder;
  fs::create_directories(folder / "objects");
  for (const std::string& content : {std::string(20, 'a'), text(3000), noise(3000), text(100'000)}) {
    const Oid id = digest::Sha1().update(object_head(ObjectType::blob, content.size())).update(content).finish();
    const std::string whole = deflated(object_head(ObjectType::blob, content.size()) + content);
    const fs::path file = folder / "objects" / id.hex().substr(0, 2) / id.hex().substr(2);
    write_file(file, whole);
    REQUIRE(ObjectDatabase::open(folder / "objects")->read(id, ObjectType::blob) == content);
    const std::size_t step = whole.size() > 4000 ? 37 : 1;
    for (std::size_t size = 0; size < whole.size(); size += step) {
      CAPTURE(size);
      write_file(file, std::string_view(whole).substr(0, size));
      const double start = thread_seconds();
      const auto database = ObjectDatabase::open(folder / "objects");
      CHECK(error_of([&] { database->read(id, ObjectType::blob); }).value().code() == ErrorCode::corrupt);
      CHECK(error_of([&] { base::read_all(*database->stream(id), 1 << 22); }).value().code() == ErrorCode::corrupt);
      CHECK(thread_seconds() - start < 0.05);
    }
    write_file(file, whole + '\0');
    CHECK(error_of([&] { ObjectDatabase::open(folder / "objects")->read(id, ObjectType::blob); }).value().code() ==
          ErrorCode::corrupt);
  }
}

TEST_CASE("a bit flipped in a loose object gives an error or the same content") {
  Folder folder;
  const std::string content = text(3000);
  Stored stored;
  stored.blobs.emplace_back(
      digest::Sha1().update(object_head(ObjectType::blob, content.size())).update(content).finish(), content);
  const std::string hex = stored.blobs[0].first.hex();
  const std::string whole = deflated(object_head(ObjectType::blob, content.size()) + content);
  int errors = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1 << at % 8);
    write_file(folder / "objects" / hex.substr(0, 2) / hex.substr(2), changed);
    errors += check_reading(folder / "objects", stored);
  }
  CHECK(errors >= static_cast<int>(whole.size()));
}

TEST_CASE("a loose object that is no file, or claims the impossible, is an error") {
  Folder folder;
  const Oid id = made_up(0x77);
  const fs::path file = folder / "objects/77" / id.hex().substr(2);
  const auto code = [&] {
    return error_of([&] { ObjectDatabase::open(folder / "objects")->read(id, ObjectType::blob, UINT64_MAX); })
        .value()
        .code();
  };
  for (const std::string& head :
       {std::string("blob 99999999999999999999\0x", 27), std::string("blob 9223372036854775807\0x", 26),
        std::string("blob 010\0x", 10), std::string("blub 1\0x", 8), std::string("blob -1\0x", 9),
        std::string("blob 1", 6), std::string("blob 2\0x", 8), std::string("blob 0\0x", 8), std::string(5000, 'b'),
        std::string()}) {
    CAPTURE(head);
    write_file(file, deflated(head));
    CHECK(code() == ErrorCode::corrupt);
  }
  fs::remove(file);
  fs::create_symlink("/etc/passwd", file);
  CHECK(code() != ErrorCode::not_found);
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(code() == ErrorCode::corrupt);  // and it does not wait for a writer
}

TEST_CASE("a bit flipped in a pack gives an error or the same content") {
  Folder folder;
  const Stored stored = store_blobs(folder / "objects");
  const std::string whole = read_file(stored.pack);
  std::mt19937 random(1);
  int errors = 0;
  for (int i = 0; i < 400; ++i) {
    // The heads of the small entries lie in the first bytes; the rest is random.
    const std::size_t at = i < 120 ? static_cast<std::size_t>(i) : random() % whole.size();
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random() % 8);
    write_file(stored.pack, changed);
    errors += check_reading(folder / "objects", stored);
  }
  CHECK(errors >= 390);
}

TEST_CASE("a pack that is cut short gives an error or the same content") {
  Folder folder;
  const Stored stored = store_blobs(folder / "objects");
  const std::string whole = read_file(stored.pack);
  for (std::size_t i = 0; i < 100; ++i) {
    const std::size_t size = i < 50 ? i : i * whole.size() / 100;
    CAPTURE(size);
    write_file(stored.pack, std::string_view(whole).substr(0, size));
    CHECK(check_reading(folder / "objects", stored) > 0);
  }
}

TEST_CASE("a bit flipped in an index is found before it does harm, and named") {
  Folder folder;
  const Stored stored = store_blobs(folder / "objects");
  const std::string whole = read_file(stored.index);
  std::mt19937 random(1);
  for (std::size_t at = 0; at < whole.size(); at += at < 8 || at > 8 + 1024 ? 1 : 5) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random() % 8);
    write_file(stored.index, changed);
    CHECK(check_reading(folder / "objects", stored) == static_cast<int>(2 * stored.blobs.size()));
    const std::vector<std::string> problems = ObjectDatabase::open(folder / "objects")->problems();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with("pack-"));
    // With a checksum that fits, the lie itself must be harmless.
    changed.resize(changed.size() - Oid::size);
    write_file(stored.index, with_trailer(changed));
    check_reading(folder / "objects", stored);
  }
}

TEST_CASE("an index cut at any length is an error") {
  Folder folder;
  const Stored stored = store_blobs(folder / "objects");
  const std::string whole = read_file(stored.index);
  for (std::size_t size = 0; size < whole.size(); size += size < 1000 ? 97 : 1) {
    CAPTURE(size);
    write_file(stored.index, std::string_view(whole).substr(0, size));
    CHECK(check_reading(folder / "objects", stored) == static_cast<int>(2 * stored.blobs.size()));
  }
}

TEST_CASE("an index of another pack, a pack without index and an index without pack are named") {
  Folder folder;
  const Stored one = store_blobs(folder / "one");
  fs::path other;
  {
    fs::create_directories(folder / "two");
    PackWriter writer(nullptr, folder / "two", {});
    writer.add(ObjectType::blob, base::bytes_of("other"));
    other = *writer.finish().pack;
  }
  const auto problems = [&] { return ObjectDatabase::open(folder / "one")->problems(); };
  CHECK(problems().empty());
  const std::string index = read_file(one.index);
  write_file(one.index, read_file(fs::path(other).replace_extension(".idx")));
  REQUIRE(problems().size() == 1);
  CHECK(problems()[0].find("belongs to another pack") != std::string::npos);
  CHECK(check_reading(folder / "one", one) == static_cast<int>(2 * one.blobs.size()));
  const auto error =
      error_of([&] { ObjectDatabase::open(folder / "one")->read(one.blobs[0].first, ObjectType::blob); }).value();
  CHECK(error.code() == ErrorCode::corrupt);
  CHECK(error.causes().at(0).find("belongs to another pack") != std::string::npos);
  fs::remove(one.index);
  REQUIRE(problems().size() == 1);
  CHECK(problems()[0].ends_with("it has no index"));
  write_file(one.index, index);
  fs::remove(one.pack);
  REQUIRE(problems().size() == 1);
  CHECK(problems()[0].ends_with("its pack is missing"));
}

TEST_CASE("deltas that go in circles, out of the pack or past every limit are refused") {
  Folder folder;
  const fs::path objects = folder / "objects";
  const Oid a = made_up(1);
  const Oid b = made_up(2);
  const auto code_of = [&](const Oid& id) {
    const auto database = ObjectDatabase::open(objects);
    const auto streamed = error_of([&] { base::read_all(*database->stream(id), 1 << 20); });
    static_cast<void>(error_of([&] { static_cast<void>(database->header(id)); }));
    CHECK(streamed);
    const auto error = error_of([&] { database->read(id, ObjectType::blob, UINT64_MAX); });
    fs::remove_all(objects);
    return error.value().code();
  };
  const std::string delta("\5\5\x90\5", 4);  // copies all of a base of 5 bytes
  const std::string packed_delta = deflated(delta);

  SUBCASE("two that name each other") {
    write_pack(objects, {{a, entry_head(7, 4) + id_bytes(b) + packed_delta},
                         {b, entry_head(7, 4) + id_bytes(a) + packed_delta}});
    CHECK(code_of(a) == ErrorCode::corrupt);
  }
  SUBCASE("one that names itself") {
    write_pack(objects, {{a, entry_head(7, 4) + id_bytes(a) + packed_delta}});
    CHECK(code_of(a) == ErrorCode::corrupt);
  }
  SUBCASE("a base that is not there") {
    write_pack(objects, {{a, entry_head(7, 4) + id_bytes(b) + packed_delta}});
    CHECK(code_of(a) == ErrorCode::corrupt);
  }
  SUBCASE("a base before the pack begins, at zero distance, or at a number that overflows") {
    for (const std::string& distance :
         {std::string("\x7f"), std::string(1, '\0'), std::string(12, '\xff') + '\x7f', std::string("\x0c")}) {
      write_pack(objects, {{a, entry_head(6, 4) + distance + packed_delta}});
      CHECK(code_of(a) == ErrorCode::corrupt);
    }
  }
  SUBCASE("a delta that copies from behind the end, makes too much, or too little") {
    const std::string base = entry_head(3, 5) + deflated("hello");
    for (const std::string& bad :
         {std::string("\5\5\x91\1\5", 5), std::string("\5\4\x90\5", 4), std::string("\5\6\x90\5", 4),
          std::string("\4\5\x90\5", 4), std::string("\5\5\0", 3), std::string("\5\5\x7f", 3), std::string("\5"),
          std::string("\5\5\x90", 3), std::string(12, '\xff')}) {
      write_pack(objects, {{b, base}, {a, entry_head(7, bad.size()) + id_bytes(b) + deflated(bad)}});
      CHECK(code_of(a) == ErrorCode::corrupt);
    }
  }
  SUBCASE("a chain that doubles until it is gigabytes") {
    std::vector<std::pair<Oid, std::string>> parts{
        {made_up(0), entry_head(3, 65536) + deflated(std::string(65536, 'x'))}};
    std::uint64_t size = 65536;
    const auto number = [](std::uint64_t value) {
      std::string out;
      for (; value > 127; value >>= 7) out += static_cast<char>((value & 127) | 128);
      return out += static_cast<char>(value);
    };
    for (unsigned i = 1; i <= 9; ++i) {
      std::string step = number(size) + number(size * 16);
      for (int copy = 0; copy < 16; ++copy)
        for (std::uint64_t at = 0; at < size; at += 0xffffff) {
          const std::uint64_t count = std::min<std::uint64_t>(0xffffff, size - at);
          step += '\xff';
          for (int shift = 0; shift < 32; shift += 8) step += static_cast<char>(at >> shift & 255);
          for (int shift = 0; shift < 24; shift += 8) step += static_cast<char>(count >> shift & 255);
        }
      size *= 16;
      parts.emplace_back(made_up(i), entry_head(7, step.size()) + id_bytes(made_up(i - 1)) + deflated(step));
      if (size > (std::uint64_t{1} << 33)) break;
    }
    write_pack(objects, parts);
    CHECK(code_of(parts.back().first) == ErrorCode::refused);
  }
  SUBCASE("sizes that cannot be") {
    for (const std::string& entry :
         {entry_head(3, 1ull << 62) + deflated("x"), std::string(20, '\xff'), entry_head(3, 2) + deflated("x"),
          entry_head(3, 0) + deflated("x"), entry_head(5, 1) + deflated("x"), entry_head(0, 1) + deflated("x"),
          entry_head(3, 100) + "x"}) {
      write_pack(objects, {{a, entry}});
      CHECK(code_of(a) == ErrorCode::corrupt);
    }
  }
}
