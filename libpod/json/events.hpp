// JSON read as events, under the same bounds as json::parse, for documents of which something else than a Value is
// made.
#pragma once

#include "json/json.hpp"

#include <cstdint>
#include <string_view>

namespace pod::json {

/// What is called for each value, in the text's order. Keys may repeat: who cares has to look. May throw.
class Events {
 public:
  virtual ~Events();
  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  virtual void integer(std::int64_t value) = 0;
  /// An integer of more than 64 bits, as it is written.
  virtual void long_integer(std::string_view digits) = 0;
  virtual void real(double value) = 0;
  virtual void text(std::string_view value) = 0;
  virtual void key(std::string_view name) = 0;
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
};

/// Throws like json::parse, but for duplicate keys and long integers.
void read(std::string_view text, std::string_view what, const Limits& limits, Events& events);

}  // namespace pod::json
