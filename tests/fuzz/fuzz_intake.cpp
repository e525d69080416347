#include "fuzz_input.hpp"

#include "digest/digest.hpp"
#include "git/foreign_pack.hpp"
#include "git/pack_output.hpp"
#include "remote/intake.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>

// Input: how many entries there are, less one (a byte), then what stands in the pack behind its head. The trailer is
// made to fit, so that the entries themselves are what is tried. Whatever is a commit becomes a tip.

namespace {

namespace fs = std::filesystem;

void allowed(const pod::Error& error) {
  fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused,
                  "the error is one that is promised");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pod::base::TempFolder folder(fs::temp_directory_path(), "fuzz-intake-");
  if (size == 0) return 0;
  std::string bytes = pod::git::pack_head(data[0] + 1u);
  bytes += fuzz::text(data, size).substr(1);
  const pod::Oid checksum = pod::digest::Sha1().update(bytes).finish();
  bytes.append(reinterpret_cast<const char*>(checksum.bytes().data()), pod::Oid::size);

  const fs::path store = folder.path() / "store";
  const fs::path spool = folder.path() / "spool";
  pod::base::remove_tree(store);
  fs::create_directories(store / "pack");
  fs::create_directories(spool);
  const fs::path file = folder.path() / "incoming";
  fs::remove(file);
  {
    const pod::base::Fd fd = pod::base::open_file(file, O_WRONLY | O_CREAT | O_TRUNC);
    pod::base::write_all(fd.get(), pod::base::bytes_of(bytes), file);
  }
  pod::remote::IntakeLimits limits;
  limits.pack.inflated = 4 << 20;
  limits.entries = 10'000;
  try {
    const pod::git::ForeignPack found = pod::git::check_foreign_pack(file, "input", limits.pack, {});
    fuzz::must_hold(found.objects.size() == data[0] + 1u, "every entry is an object");
    pod::remote::Offer offer;
    for (const pod::git::ForeignObject& object : found.objects)
      if (object.type == pod::git::ObjectType::commit) offer.tips.push_back(object.id);
    const auto database = pod::git::ObjectDatabase::open(store);
    pod::remote::Intake intake(store, database, spool, {}, limits);
    intake.add(file, "input");
    intake.check(offer);
    intake.for_each_change([](const auto&, auto, const auto&) {});
    const auto installed = intake.install();
    fuzz::must_hold(installed.objects + installed.dropped == found.objects.size(), "each object is kept or dropped");
    for (const pod::Oid& tip : offer.tips) fuzz::must_hold(database->contains(tip), "what was taken is there");
  } catch (const pod::Error& error) {
    allowed(error);
    fuzz::must_hold(fs::is_empty(store / "pack"), "the store is untouched");
  }
  fuzz::must_hold(fs::is_empty(spool), "the quarantine is gone");
  return 0;
}
