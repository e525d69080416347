// State that is one word: what an emulator of the tests holds in memory, and the pickle that it writes of it.
#pragma once

#include "document/pickle.hpp"

#include <libpod/error.hpp>

#include <string>

namespace pod::test {

/// As Python writes it: with a frame and a memo that nothing asks for. `noise` memo slots more: other bytes, the same
/// state.
inline std::string pickled(const std::string& word, int noise = 0) {
  std::string body = "\x8c";
  body += static_cast<char>(word.size());
  body += word + '\x94';
  for (int i = 0; i < noise; ++i) body += '\x94';
  body += '.';
  std::string out = "\x80\x04\x95";
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(body.size() >> shift & 0xff);
  return out + body;
}

/// The word in a pickle; any other file as it is.
inline std::string word_in(const std::string& file) {
  try {
    const document::Graph graph = document::read_pickle(file, "state");
    if (graph.root().kind() == document::Kind::text) return std::string(graph.text(graph.root()));
  } catch (const Error&) {
    // No pickle.
  }
  return file;
}

/// As libpod writes it.
inline std::string canonical(const std::string& word) {
  return document::write_pickle(document::read_pickle(pickled(word), "state"));
}

}  // namespace pod::test
