// The rules that turn documents into resources, as data. They are compiled into the library; a test or a user may read
// others. Syntax: FORMATS.md, "Rules of the metamodel".
//
//   const Rules& rules = Rules::built_in();
//   if (rules.is_secret({.service = "ssm", .path = "/_parameters/db/0/@value", .text = value})) value = mask(value);
//
// Thread word: immutable, safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pod::metamodel {

/// One field of a document, as whoever shows it meets it.
struct Spot {
  std::string_view service;  // "ssm"
  std::string_view
      class_name;  // of the object that holds the field: "Parameter"; empty where there is none or it is not known
  std::string_view path;  // in the document's tree: "/_parameters/db/0/@value"
  std::string_view text;  // what stands there, where that is a text: some rules look at it
  bool leaf = true;       // false: the field holds others
};

class Rules {
 public:
  static const Rules& built_in();
  /// Error(invalid_argument) that names the line.
  static Rules parse(std::string_view text, std::string_view what);
  ~Rules();
  Rules(Rules&&) noexcept;
  Rules& operator=(Rules&&) noexcept;

  /// Grows whenever the same document may give another model than before.
  int number() const noexcept;

  /// Whether nobody may see what stands there: the field, or something that it lies in, holds a secret.
  bool is_secret(const Spot& spot) const;
  /// `path` for showing it: keys that are secrets themselves (tokens that sessions are found by) masked.
  std::string shown_path(std::string_view service, std::string_view path) const;
  /// Whether a field changes by itself: by the clock, or because somebody looked. It is for marking changes, not for
  /// hiding them: a capture reads nothing, so two captures of an emulator that nobody used are equal as they are, and
  /// what a digest left out an inject would not bring back.
  bool is_volatile(const Spot& spot) const;

  struct Impl;
  const Impl& impl() const noexcept { return *impl_; }

 private:
  explicit Rules(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

/// "•••• (12 bytes)"
std::string mask(std::uint64_t bytes);
inline std::string mask(std::string_view secret) { return mask(secret.size()); }

}  // namespace pod::metamodel
