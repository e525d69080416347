#include "json/json.hpp"

#include "json/events.hpp"

#include <libpod/error.hpp>

#include "base/utf8.hpp"

#include <algorithm>
#include <limits>

namespace pod::json {
namespace {

using nlohmann::detail::exception;

struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// Line and column of a byte, both counted from 1.
Place place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto newline = before.rfind('\n');
  const auto lines = std::count(before.begin(), before.end(), '\n');
  return {static_cast<std::size_t>(lines) + 1,
          before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1};
}

[[noreturn]] void fail_at(ErrorCode code, std::string_view text, std::size_t offset, std::string_view what,
                          const std::string& reason) {
  const Place place = place_of(text, offset);
  throw Error(code, quote(what) + " is not acceptable JSON: " + reason + " at line " + std::to_string(place.line) +
                        ", column " + std::to_string(place.column));
}

[[noreturn]] void fail(ErrorCode code, std::string_view what, const std::string& reason) {
  throw Error(code, quote(what) + " is not acceptable JSON: " + reason);
}

/// What nlohmann's parser stumbles over. `position` counts the bytes read, the one that does not fit among them.
[[noreturn]] void fail_parsing(std::string_view text, std::size_t position, std::string_view what, int id) {
  if (id == 406) fail(ErrorCode::refused, what, "a number is too large for a double");
  const std::size_t offset = position == 0 ? 0 : position - 1;
  const bool cut = position > text.size() || text.empty();
  fail_at(ErrorCode::corrupt, text, offset, what, cut ? "it ends too early" : "syntax error");
}

/// Builds the value while nlohmann's (iterative) parser runs, and stops it at the first limit, so that what is refused
/// was never held.
class Builder {
 public:
  using number_integer_t = Value::number_integer_t;
  using number_unsigned_t = Value::number_unsigned_t;
  using number_float_t = Value::number_float_t;
  using string_t = Value::string_t;
  using binary_t = Value::binary_t;

  Builder(std::string_view text, std::string_view what, const Limits& limits)
      : text_(text), what_(what), limits_(limits) {}

  Value take() { return std::move(root_); }

  bool null() { return add(Value(nullptr)) != nullptr; }
  bool boolean(bool value) { return add(Value(value)) != nullptr; }
  bool number_integer(number_integer_t value) { return add(Value(value)) != nullptr; }
  bool number_unsigned(number_unsigned_t value) { return add(Value(value)) != nullptr; }
  bool number_float(number_float_t value, const string_t& token) {
    // nlohmann falls back to a double where an integer is too long: another number than the one written.
    if (token.find_first_of(".eE") == string_t::npos)
      fail(ErrorCode::refused, what_, "the number " + quote(token.substr(0, 40)) + " does not fit in 64 bits");
    return add(Value(value)) != nullptr;
  }
  bool string(string_t& value) { return add(Value(std::move(value))) != nullptr; }
  bool binary(binary_t&) { return false; }  // not in JSON text

  bool start_object(std::size_t) { return open(Value::object()); }
  bool start_array(std::size_t) { return open(Value::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(string_t& name) {
    const auto [place, inserted] = open_.back()->get_ref<Value::object_t&>().try_emplace(std::move(name), nullptr);
    if (!inserted) fail(ErrorCode::corrupt, what_, "the key " + quote(place->first) + " is there twice");
    member_ = &place->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const exception& error) {
    fail_parsing(text_, position, what_, error.id);
  }

 private:
  Value* add(Value&& value) {
    if (++count_ > limits_.values)
      fail(ErrorCode::refused, what_, "it has more than " + std::to_string(limits_.values) + " values");
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    auto& items = open_.back()->get_ref<Value::array_t&>();
    return &items.emplace_back(std::move(value));
  }
  bool open(Value&& value) {
    if (open_.size() >= static_cast<std::size_t>(std::max(limits_.depth, 0)))
      fail(ErrorCode::refused, what_, "it is nested more than " + std::to_string(limits_.depth) + " deep");
    open_.push_back(add(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  std::string_view what_;
  const Limits& limits_;
  Value root_;
  std::vector<Value*> open_;  // an array grows only while it is the last one here, so the pointers stay good
  Value* member_ = nullptr;   // where the value after a key goes
  std::uint64_t count_ = 0;
};

const Value& member(const Value& object, std::string_view name, std::string_view what, const char* type,
                    bool (*accepts)(const Value&)) {
  if (!object.is_object()) throw Error(ErrorCode::corrupt, quote(what) + " is not a JSON object");
  const auto found = object.find(name);
  if (found == object.end()) throw Error(ErrorCode::corrupt, quote(what) + " has no member " + quote(name));
  if (!accepts(*found))
    throw Error(ErrorCode::corrupt, "member " + quote(name) + " of " + quote(what) + " is not " + type);
  return *found;
}

bool fits_int64(const Value& value) {
  if (value.is_number_unsigned())
    return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return value.is_number_integer();
}

bool fits_uint64(const Value& value) {
  return value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
}

}  // namespace

namespace {

/// Passes on what nlohmann's parser reports, and stops it at the first limit.
class Forwarder {
 public:
  using number_integer_t = Value::number_integer_t;
  using number_unsigned_t = Value::number_unsigned_t;
  using number_float_t = Value::number_float_t;
  using string_t = Value::string_t;
  using binary_t = Value::binary_t;

  Forwarder(std::string_view text, std::string_view what, const Limits& limits, Events& events)
      : text_(text), what_(what), limits_(limits), events_(events) {}

  bool null() { return count(), events_.null(), true; }
  bool boolean(bool value) { return count(), events_.boolean(value), true; }
  bool number_integer(number_integer_t value) { return count(), events_.integer(value), true; }
  bool number_unsigned(number_unsigned_t value) {
    count();
    if (value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
      events_.integer(static_cast<std::int64_t>(value));
    else
      events_.long_integer(std::to_string(value));
    return true;
  }
  bool number_float(number_float_t value, const string_t& token) {
    count();
    if (token.find_first_of(".eE") == string_t::npos)
      events_.long_integer(token);
    else
      events_.real(value);
    return true;
  }
  bool string(string_t& value) { return count(), events_.text(value), true; }
  bool binary(binary_t&) { return false; }  // not in JSON text
  bool start_object(std::size_t) { return open(), events_.begin_object(), true; }
  bool start_array(std::size_t) { return open(), events_.begin_array(), true; }
  bool end_object() { return --depth_, events_.end_object(), true; }
  bool end_array() { return --depth_, events_.end_array(), true; }
  bool key(string_t& name) { return events_.key(name), true; }
  bool parse_error(std::size_t position, const std::string&, const exception& error) {
    fail_parsing(text_, position, what_, error.id);
  }

 private:
  void count() {
    if (++values_ > limits_.values)
      fail(ErrorCode::refused, what_, "it has more than " + std::to_string(limits_.values) + " values");
  }
  void open() {
    count();
    if (++depth_ > limits_.depth)
      fail(ErrorCode::refused, what_, "it is nested more than " + std::to_string(limits_.depth) + " deep");
  }

  std::string_view text_;
  std::string_view what_;
  const Limits& limits_;
  Events& events_;
  std::uint64_t values_ = 0;
  int depth_ = 0;
};

void check_bytes(std::string_view text, std::string_view what, const Limits& limits) {
  if (text.size() > limits.bytes)
    fail(ErrorCode::refused, what, "it has more than " + std::to_string(limits.bytes) + " bytes");
  // nlohmann takes a NUL for the end and would not see what stands behind it.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    fail_at(ErrorCode::corrupt, text, nul, what, "a NUL byte");
  if (const auto offset = base::find_invalid_utf8(text); offset != std::string_view::npos)
    fail_at(ErrorCode::corrupt, text, offset, what, "invalid UTF-8");
}

}  // namespace

Events::~Events() = default;

void read(std::string_view text, std::string_view what, const Limits& limits, Events& events) {
  check_bytes(text, what, limits);
  Forwarder forwarder(text, what, limits, events);
  Value::sax_parse(text.begin(), text.end(), &forwarder);  // ends in a value or in an Error of ours
}

Value parse(std::string_view text, std::string_view what, const Limits& limits) {
  check_bytes(text, what, limits);
  Builder builder(text, what, limits);
  Value::sax_parse(text.begin(), text.end(), &builder);  // ends in a value or in an Error of ours
  return builder.take();
}

std::string canonical(const Value& value) {
  try {
    return value.dump() + '\n';
  } catch (const Value::exception&) {
    throw Error(ErrorCode::invalid_argument, "text that is not UTF-8 cannot be written as JSON");
  }
}

std::string string_member(const Value& object, std::string_view name, std::string_view what) {
  return member(object, name, what, "text", [](const Value& value) { return value.is_string(); }).get<std::string>();
}

std::int64_t integer_member(const Value& object, std::string_view name, std::string_view what) {
  return member(object, name, what, "a whole number", fits_int64).get<std::int64_t>();
}

std::uint64_t size_member(const Value& object, std::string_view name, std::string_view what) {
  return member(object, name, what, "a size", fits_uint64).get<std::uint64_t>();
}

bool bool_member(const Value& object, std::string_view name, std::string_view what) {
  return member(object, name, what, "true or false", [](const Value& value) { return value.is_boolean(); }).get<bool>();
}

const Value& array_member(const Value& object, std::string_view name, std::string_view what) {
  return member(object, name, what, "a list", [](const Value& value) { return value.is_array(); });
}

const Value& object_member(const Value& object, std::string_view name, std::string_view what) {
  return member(object, name, what, "an object", [](const Value& value) { return value.is_object(); });
}

std::vector<std::string> strings_member(const Value& object, std::string_view name, std::string_view what) {
  const Value& list = member(object, name, what, "a list of texts", [](const Value& value) {
    return value.is_array() &&
           std::all_of(value.begin(), value.end(), [](const Value& item) { return item.is_string(); });
  });
  return list.get<std::vector<std::string>>();
}

std::optional<std::string> find_string(const Value& object, std::string_view name) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace pod::json
