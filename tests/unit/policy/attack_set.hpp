// The attack set of tests/data/attacks, and how to look at what is said of it.
#pragma once

#include "json/json.hpp"
#include "policy/policy.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace attack_set {

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in, path);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Attack {
  std::string file;
  std::string path;
  std::string says;
  pod::Verdict verdict = pod::Verdict::refuse;
  std::string data;
};

inline std::vector<Attack> all() {
  const std::string folder = TEST_DATA "/attacks/";
  std::vector<Attack> attacks;
  for (const auto& row : pod::json::parse(bytes_of(folder + "attacks.json"), "attacks.json")) {
    const std::string file = pod::json::string_member(row, "file", "attacks.json");
    attacks.push_back({file, pod::json::string_member(row, "path", "attacks.json"),
                       pod::json::string_member(row, "says", "attacks.json"),
                       pod::json::string_member(row, "verdict", "attacks.json") == "review" ? pod::Verdict::review
                                                                                            : pod::Verdict::refuse,
                       bytes_of(folder + file)});
  }
  return attacks;
}

inline pod::Judgement judged(std::string data, std::string_view path) {
  return pod::policy::judge(std::move(data), pod::StatePath::parse(path));
}

/// No control bytes, no bidi controls, and not long: safe to print.
inline bool is_harmless(std::string_view text, std::size_t longest) {
  if (text.size() > longest) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  for (const char* control :
       {"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xad"})
    if (text.find(control) != std::string_view::npos) return false;
  return true;
}

inline bool is_harmless(const pod::Judgement& judgement) {
  if (judgement.concerns.size() > 20) return false;
  for (const pod::Concern& concern : judgement.concerns) {
    if (!is_harmless(concern.reason, 2000) || !is_harmless(concern.path, 4096) || concern.disassembly.size() > 20)
      return false;
    for (const std::string& line : concern.disassembly)
      if (!is_harmless(line, 400)) return false;
  }
  return true;
}

inline std::string told(const pod::Judgement& judgement) {
  std::string text(pod::verdict_name(judgement.verdict));
  for (const pod::Concern& concern : judgement.concerns) text += "\n  " + concern.path + ": " + concern.reason;
  return text;
}

}  // namespace attack_set
