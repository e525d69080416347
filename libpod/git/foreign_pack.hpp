// A pack from elsewhere, which may have been made to do harm: read once, strictly, before anything of it is used.
//
// Checked are the frame (head, count, trailer), that entries lie end to end, that every one inflates to what it says
// within the limits, that deltas have their bases in the pack and end, and every object: its id with collision
// detection, its form by check_strictly(). No object is there twice. No index from elsewhere is asked: index_of() makes
// it. One thread inflates, all cores hash, check and resolve deltas.
#pragma once

#include "git/object_database.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pod::git {

struct ForeignLimits {
  std::uint32_t objects = 4'000'000;
  std::uint64_t blob = 2ull << 30;
  std::uint64_t tree = 64ull << 20;
  std::uint64_t commit = 8ull << 20;           // and tag
  std::uint64_t made = 64ull << 20;            // of an object that a delta makes, of its base, of the delta
  unsigned deltas = 4095;                      // one on the other; what stock git can write at most
  std::uint64_t inflated = 1ull << 30;         // of all objects together,
  std::uint64_t inflated_for_each_byte = 256;  // and this for each byte of the pack
  std::uint64_t bases = 96ull << 20;           // that are held at once
};

struct ForeignObject {
  Oid id;
  std::uint32_t crc = 0;
  ObjectType type = ObjectType::blob;
  std::uint64_t offset = 0;
};

struct ForeignPack {
  Oid checksum;                        // the trailer
  std::vector<ForeignObject> objects;  // by id
};

/// `name` is what the pack is called in errors. Error(corrupt) for what no pack has, Error(refused) for what is past a
/// limit or may not be taken; both name the pack, and the object or where its entry begins. Error(io). Memory: 60 bytes
/// an object, 40 MiB, and the bases. Cost: reads it once, its deltas' entries twice.
ForeignPack check_foreign_pack(const std::filesystem::path& file, std::string_view name, const ForeignLimits& limits,
                               const Context& context);

/// The bytes that stock git writes.
std::string index_of(const ForeignPack& pack);

}  // namespace pod::git
