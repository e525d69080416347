// The 32 disturbance vectors of collision attacks on SHA-1, and what a block must fulfil to be of use to each.
//
// Both as published by M. Stevens and D. Shumow in 2017 (sha1collisiondetection, MIT licence). Vectors of type I(k, b)
// have one bit b set in the 16 words from k on, in the last one; those of type II(k, b) also bit b + 31 in the second
// and the fourth. The other words follow from the message expansion.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace pod::digest {

struct DisturbanceVector {
  int type = 0;
  int k = 0;
  int b = 0;
};

inline constexpr std::array<DisturbanceVector, 32> disturbance_vectors{
    {{1, 43, 0}, {1, 44, 0}, {1, 45, 0}, {1, 46, 0}, {1, 46, 2}, {1, 47, 0}, {1, 47, 2}, {1, 48, 0},
     {1, 48, 2}, {1, 49, 0}, {1, 49, 2}, {1, 50, 0}, {1, 50, 2}, {1, 51, 0}, {1, 51, 2}, {1, 52, 0},
     {2, 45, 0}, {2, 46, 0}, {2, 46, 2}, {2, 47, 0}, {2, 48, 0}, {2, 49, 0}, {2, 49, 2}, {2, 50, 0},
     {2, 50, 2}, {2, 51, 0}, {2, 51, 2}, {2, 52, 0}, {2, 53, 0}, {2, 54, 0}, {2, 55, 0}, {2, 56, 0}}};

/// A vector's difference of the 80 expanded words.
constexpr std::array<std::uint32_t, 80> message_difference(const DisturbanceVector& vector) {
  // Six steps before the first word have a part in the difference of the first ones.
  constexpr int before = 5;
  std::array<std::uint32_t, 80 + before> words{};
  const auto word = [&](int i) -> std::uint32_t& { return words[static_cast<std::size_t>(i + before)]; };
  const std::uint32_t bit = std::uint32_t{1} << vector.b;
  word(vector.k + 15) = bit;
  if (vector.type == 2) word(vector.k + 1) = word(vector.k + 3) = std::rotr(bit, 1);
  for (int i = vector.k + 16; i < 80; ++i)
    word(i) = std::rotl(word(i - 3) ^ word(i - 8) ^ word(i - 14) ^ word(i - 16), 1);
  for (int i = vector.k - 1; i >= -before; --i)
    word(i) = std::rotr(word(i + 16), 1) ^ word(i + 13) ^ word(i + 8) ^ word(i + 2);
  std::array<std::uint32_t, 80> difference{};
  for (int i = 0; i < 80; ++i)
    difference[static_cast<std::size_t>(i)] = word(i) ^ std::rotl(word(i - 1), 5) ^ word(i - 2) ^
                                              std::rotl(word(i - 3), 30) ^ std::rotl(word(i - 4), 30) ^
                                              std::rotl(word(i - 5), 30);
  return difference;
}

/// The step from which the other block is computed both ways.
constexpr int test_step(const DisturbanceVector& vector) { return vector.k < 50 ? 58 : 65; }

/// Two bits of expanded words that must be equal, or must differ, for a block to be of use to `vectors` (by place).
struct Condition {
  unsigned word = 0;
  unsigned bit = 0;
  unsigned other_word = 0;
  unsigned other_bit = 0;
  bool differ = false;
  std::uint32_t vectors = 0;
};

inline constexpr std::array<Condition, 156> collision_conditions{
    {{44, 29, 45, 29, false, 0x0283a080}, {49, 29, 50, 29, false, 0xc2810008}, {48, 29, 49, 29, false, 0x60a08004},
     {47, 4, 50, 29, false, 0x82012220},  {47, 29, 48, 29, false, 0x30302002}, {46, 4, 49, 29, false, 0x40808888},
     {46, 29, 47, 29, false, 0x18180801}, {45, 4, 48, 29, false, 0x20202224},  {45, 29, 46, 29, false, 0x0a0a8200},
     {44, 4, 47, 29, false, 0x1010088a},  {43, 4, 46, 29, false, 0x08080225},  {43, 29, 44, 29, false, 0x00a12820},
     {42, 4, 45, 29, false, 0x0202808a},  {41, 4, 44, 29, false, 0x00812025},  {40, 29, 41, 29, false, 0x800a00a2},
     {54, 29, 55, 29, false, 0xc0882000}, {53, 29, 54, 29, false, 0x60220800}, {52, 29, 53, 29, false, 0x30110200},
     {50, 4, 53, 29, false, 0x20128800},  {50, 29, 51, 29, false, 0x8a020020}, {49, 4, 52, 29, false, 0x10092200},
     {48, 4, 51, 29, false, 0x08028880},  {42, 29, 43, 29, false, 0x00300a08}, {41, 29, 42, 29, false, 0x00180284},
     {40, 4, 43, 29, false, 0x8020080a},  {39, 4, 42, 29, false, 0x40100205},  {38, 4, 41, 29, false, 0xa0080082},
     {37, 4, 40, 29, false, 0x50020021},  {55, 29, 56, 29, false, 0x82108000}, {52, 4, 55, 29, false, 0x80908000},
     {51, 4, 54, 29, false, 0x40282000},  {51, 29, 52, 29, false, 0x18080080}, {36, 4, 40, 29, false, 0x00110208},
     {53, 29, 56, 29, true, 0x00308000},  {51, 29, 54, 29, true, 0x000a0800},  {50, 29, 52, 29, true, 0x00012200},
     {49, 29, 51, 29, true, 0x00008880},  {48, 29, 50, 29, true, 0x00002220},  {47, 29, 49, 29, true, 0x00000888},
     {46, 29, 48, 29, true, 0x00000224},  {45, 6, 47, 6, false, 0x00004440},   {45, 29, 47, 29, true, 0x0000008a},
     {44, 6, 46, 6, false, 0x00001110},   {44, 29, 46, 29, true, 0x00000025},  {41, 1, 42, 6, true, 0x04040100},
     {40, 1, 41, 6, true, 0x01004040},    {40, 4, 42, 4, true, 0x8000000a},    {39, 1, 40, 6, true, 0x00401010},
     {39, 4, 41, 4, true, 0x40000005},    {38, 4, 40, 4, true, 0xa0000002},    {37, 4, 39, 4, true, 0x50000001},
     {36, 1, 37, 6, true, 0x00041040},    {35, 4, 39, 29, false, 0x00080084},  {63, 0, 64, 5, true, 0x00100080},
     {63, 1, 64, 6, true, 0x00010004},    {62, 0, 63, 5, true, 0x00080020},    {61, 0, 62, 5, true, 0x00020008},
     {61, 2, 62, 7, true, 0x00040010},    {60, 0, 61, 5, true, 0x00010004},    {58, 29, 59, 29, false, 0x22000000},
     {57, 29, 58, 29, false, 0x10800000}, {56, 4, 59, 29, false, 0x28000000},  {56, 29, 59, 29, true, 0x0a000000},
     {56, 29, 57, 29, false, 0x08200000}, {55, 4, 58, 29, false, 0x12000000},  {54, 4, 57, 29, false, 0x08800000},
     {53, 4, 56, 29, false, 0x02200000},  {51, 1, 50, 6, false, 0x00041000},   {48, 6, 50, 6, false, 0x00041000},
     {48, 29, 55, 29, true, 0x0000a000},  {47, 6, 49, 6, false, 0x00004400},   {48, 1, 47, 6, false, 0x04000040},
     {46, 6, 48, 6, false, 0x00001100},   {47, 1, 46, 6, false, 0x01000010},   {44, 1, 45, 6, true, 0x00404000},
     {43, 6, 45, 6, false, 0x00000440},   {42, 6, 44, 6, false, 0x00000110},   {43, 1, 42, 6, false, 0x04040000},
     {42, 1, 41, 6, false, 0x01004000},   {41, 1, 40, 6, false, 0x00401000},   {39, 4, 43, 29, false, 0x02008000},
     {38, 4, 42, 29, false, 0x00802000},  {37, 1, 38, 6, true, 0x00004100},    {37, 4, 41, 29, false, 0x00200800},
     {36, 4, 38, 4, true, 0x28000000},    {35, 1, 36, 6, true, 0x00000410},    {35, 3, 39, 28, false, 0x00082000},
     {61, 1, 62, 6, true, 0x00000001},    {59, 5, 63, 30, false, 0x00000001},  {58, 0, 63, 30, true, 0x00000001},
     {62, 1, 63, 6, true, 0x00000002},    {60, 5, 64, 30, false, 0x00000002},  {59, 0, 64, 30, true, 0x00000002},
     {40, 6, 42, 6, false, 0x00000010},   {62, 2, 63, 7, true, 0x00000040},    {41, 6, 43, 6, false, 0x00000040},
     {63, 2, 64, 7, true, 0x00000100},    {48, 6, 49, 1, false, 0x00000100},   {49, 6, 50, 1, false, 0x00000400},
     {42, 1, 50, 1, true, 0x00000400},    {39, 6, 40, 1, false, 0x00000400},   {38, 1, 40, 1, true, 0x00000400},
     {36, 4, 37, 4, true, 0x00000800},    {43, 1, 51, 1, true, 0x00001000},    {37, 4, 38, 4, true, 0x00002000},
     {51, 6, 52, 1, false, 0x00004000},   {49, 6, 51, 6, false, 0x00004000},   {37, 1, 37, 6, false, 0x00004000},
     {35, 5, 39, 30, false, 0x00004000},  {38, 4, 39, 4, true, 0x00008000},    {47, 1, 51, 1, true, 0x00040000},
     {36, 3, 40, 28, false, 0x00100000},  {35, 30, 40, 28, true, 0x00100000},  {37, 3, 41, 28, false, 0x00200000},
     {36, 30, 41, 28, true, 0x00200000},  {53, 6, 54, 1, false, 0x00400000},   {51, 6, 53, 6, false, 0x00400000},
     {50, 1, 54, 1, true, 0x00400000},    {45, 6, 46, 1, false, 0x00400000},   {37, 5, 41, 30, false, 0x00400000},
     {36, 0, 41, 30, true, 0x00400000},   {55, 29, 58, 29, true, 0x00800000},  {38, 3, 42, 28, false, 0x00800000},
     {37, 30, 42, 28, true, 0x00800000},  {54, 6, 55, 1, false, 0x01000000},   {52, 6, 54, 6, false, 0x01000000},
     {51, 1, 55, 1, true, 0x01000000},    {45, 1, 47, 1, true, 0x01000000},    {38, 5, 42, 30, false, 0x01000000},
     {37, 0, 42, 30, true, 0x01000000},   {39, 3, 43, 28, false, 0x02000000},  {38, 30, 43, 28, true, 0x02000000},
     {55, 6, 56, 1, false, 0x04000000},   {53, 6, 55, 6, false, 0x04000000},   {52, 1, 56, 1, true, 0x04000000},
     {46, 1, 48, 1, true, 0x04000000},    {39, 5, 43, 30, false, 0x04000000},  {38, 0, 43, 30, true, 0x04000000},
     {59, 29, 60, 29, false, 0x08000000}, {40, 3, 44, 28, false, 0x08000000},  {40, 4, 44, 29, false, 0x08000000},
     {39, 30, 44, 28, true, 0x08000000},  {58, 29, 61, 29, true, 0x10000000},  {57, 4, 61, 29, false, 0x10000000},
     {41, 3, 45, 28, false, 0x10000000},  {41, 4, 45, 29, false, 0x10000000},  {58, 4, 62, 29, false, 0x20000000},
     {42, 3, 46, 28, false, 0x20000000},  {42, 4, 46, 29, false, 0x20000000},  {59, 4, 63, 29, false, 0x40000000},
     {57, 4, 59, 29, false, 0x40000000},  {43, 3, 47, 28, false, 0x40000000},  {43, 4, 47, 29, false, 0x40000000},
     {60, 4, 64, 29, false, 0x80000000},  {44, 3, 48, 28, false, 0x80000000},  {44, 4, 48, 29, false, 0x80000000}}};

}  // namespace pod::digest
