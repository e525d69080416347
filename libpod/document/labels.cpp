#include "document/labels.hpp"

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "digest/digest.hpp"
#include "document/values.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <vector>

namespace pod::document {
namespace {

constexpr std::string_view reserved_first = "@#%!&=";
constexpr std::array<std::string_view, 8> words = {"", "state", "append", "add", "call", "key", "items", "attributes"};

void append_escaped(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '~';
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

void append_name(std::string& out, std::string_view text, std::string_view first, std::string_view everywhere) {
  for (std::size_t at = 0; at < text.size();) {
    const auto [point, length] = base::decode_utf8(text.substr(at));
    const char c = text[at];
    const bool plain = point != base::invalid_point && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f &&
                       everywhere.find(c) == std::string_view::npos &&
                       (at != 0 || first.find(c) == std::string_view::npos);
    if (plain)
      out.append(text.substr(at, length));
    else
      append_escaped(out, static_cast<unsigned char>(c));
    at += plain ? length : 1;
  }
}

int hex_digit(char c) {
  if (base::is_digit(c)) return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool unescape(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '~') {
      out += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[at + 2]);
    if (low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return true;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::uint64_t biased(std::int64_t number) { return static_cast<std::uint64_t>(number) ^ (1ull << 63); }

std::array<std::uint8_t, 8> first_half(const ShortDigest& digest) {
  std::array<std::uint8_t, 8> half;
  std::copy_n(digest.begin(), half.size(), half.begin());
  return half;
}

}  // namespace

std::strong_ordering operator<=>(const LabelKey& a, const LabelKey& b) noexcept {
  if (const auto order = a.edge <=> b.edge; order != 0) return order;
  if (const auto order = a.label <=> b.label; order != 0) return order;
  if (const auto order = a.kind <=> b.kind; order != 0) return order;
  if (const auto order = a.number <=> b.number; order != 0) return order;
  if (const auto order = a.text <=> b.text; order != 0) return order;
  return a.digest <=> b.digest;
}

bool Labels::is_leaf(Value value) const {
  if (!value.is_node()) return true;
  switch (value.kind()) {
    case Kind::list:
    case Kind::dict:
    case Kind::set: return false;
    case Kind::global: return graph_->parts(value).empty();
    case Kind::persistent: {
      const auto arguments = graph_->arguments(value);
      return graph_->parts(value).empty() &&
             (arguments.empty() || !arguments[0].is_node() || is_value_object(*graph_, arguments[0]));
    }
    default: return is_value_object(*graph_, value);
  }
}

std::optional<std::string_view> Labels::text_of(Value label) const {
  if (label.kind() == Kind::text) return graph_->bytes(label);
  if (label.kind() == Kind::byte_text && base::is_utf8(graph_->bytes(label))) return graph_->bytes(label);
  if (label.kind() != Kind::call) return std::nullopt;
  // An enum member by its value, as a key: LocalStack's enums are texts.
  const auto arguments = graph_->arguments(label);
  if (arguments.size() != 2 || arguments[0].kind() != Kind::global || arguments[1].kind() != Kind::tuple)
    return std::nullopt;
  const auto given = graph_->arguments(arguments[1]);
  if (given.size() != 1 || given[0].kind() != Kind::text || !is_value_object(*graph_, label)) return std::nullopt;
  return graph_->bytes(given[0]);
}

std::optional<std::string_view> Labels::object_text(Value label) const {
  constexpr std::size_t most_attributes = 4;
  constexpr std::size_t most_bytes = 128;
  if (label.kind() != Kind::object) return std::nullopt;
  std::span<const Value> attributes;
  for (const Part& part : graph_->parts(label)) {
    if (!attributes.empty() || part.act != Part::Act::state || part.values[0].kind() != Kind::dict) return std::nullopt;
    for (const Part& items : graph_->parts(part.values[0])) {
      if (!attributes.empty() || items.act != Part::Act::items) return std::nullopt;
      attributes = items.values;
    }
  }
  if (attributes.empty() || attributes.size() > 2 * most_attributes) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t at = 1; at < attributes.size(); at += 2) {
    if (attributes[at].kind() != Kind::text) return std::nullopt;
    size += graph_->text(attributes[at]).size() + 1;
    if (size > most_bytes) return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  const auto [text, fresh] = object_texts_.try_emplace(label.node());
  if (fresh)
    for (std::size_t at = 1; at < attributes.size(); at += 2)
      (text->second += at == 1 ? "" : ":") += graph_->text(attributes[at]);
  return text->second;
}

LabelKey Labels::key_of(const Step& step) const {
  LabelKey key{.edge = step.kind};
  switch (step.kind) {
    case Step::Kind::index:
    case Step::Kind::argument: key.number = step.index; return key;
    case Step::Kind::effect:
      if (step.word != Step::Word::none) {
        key.label = LabelKey::Class::number;
        key.number = static_cast<std::uint64_t>(step.word);
        return key;
      }
      break;
    case Step::Kind::member: break;
    case Step::Kind::key:
    case Step::Kind::attribute:
      if (step.label.kind() == Kind::integer) {
        key.label = LabelKey::Class::number;
        key.number = biased(graph_->integer(step.label));
        return key;
      }
      break;
  }
  if (step.kind != Step::Kind::member)
    if (const auto text = text_of(step.label); text && text->size() <= longest_text) {
      key.label = LabelKey::Class::text;
      key.text = *text;
      return key;
    }
  if (step.kind == Step::Kind::key)
    if (const auto text = object_text(step.label)) {
      key.label = LabelKey::Class::object;
      key.text = *text;
      return key;
    }
  // Atoms need their digest only when it is written.
  switch (const Value label = step.label; label.kind()) {
    case Kind::none: break;
    case Kind::boolean: key.number = graph_->boolean(label) ? 1 : 0; break;
    case Kind::integer: key.number = biased(graph_->integer(label)); break;
    case Kind::real: key.number = graph_->real_bits(label); break;
    default:
      if (!label.is_node() && graph_->bytes(label).size() <= longest_text) {
        key.text = graph_->bytes(label);
        break;
      }
      key.label = LabelKey::Class::digest;
      key.digest = first_half(digest_of(label));
      return key;
  }
  key.label = LabelKey::Class::atom;
  key.kind = step.label.kind();
  return key;
}

bool Labels::has_digest(const Step& step, const std::array<std::uint8_t, 8>& digest) const {
  const LabelKey key = key_of(step);
  return key.label == LabelKey::Class::digest
             ? key.digest == digest
             : key.label == LabelKey::Class::atom && first_half(digest_of(step.label)) == digest;
}

std::uint64_t Labels::hash_of(const Step& step) const {
  const auto mixed = [&](std::uint64_t hash) {
    return (hash + static_cast<std::uint64_t>(step.kind)) * 0x9e3779b97f4a7c15ull;
  };
  const bool named = step.kind == Step::Kind::key || step.kind == Step::Kind::attribute;
  if (named && step.label.kind() == Kind::text)
    if (const std::string_view text = graph_->bytes(step.label); text.size() <= longest_text)
      return mixed(std::hash<std::string_view>()(text));
  const LabelKey key = key_of(step);
  if (!key.text.empty()) return mixed(std::hash<std::string_view>()(key.text));
  std::uint64_t digest = 0;
  std::memcpy(&digest, key.digest.data(), sizeof digest);
  return mixed((key.number ^ digest) * 31 + static_cast<std::uint64_t>(key.kind));
}

std::string Labels::step_text(const Step& step) const {
  const LabelKey key = key_of(step);
  std::string out = "/";
  switch (step.kind) {
    case Step::Kind::index: return out + std::to_string(step.index);
    case Step::Kind::argument: return out + "!" + std::to_string(step.index);
    case Step::Kind::attribute: out += '@'; break;
    case Step::Kind::effect: out += '&'; break;
    case Step::Kind::key:
    case Step::Kind::member: break;
  }
  switch (key.label) {
    case LabelKey::Class::place: break;
    case LabelKey::Class::number:
      if (step.kind == Step::Kind::effect)
        out += words[static_cast<std::size_t>(step.word)];
      else
        out += "#" + std::to_string(graph_->integer(step.label));
      break;
    case LabelKey::Class::text:
      if (step.kind == Step::Kind::effect) {
        const bool is_word = std::find(words.begin() + 1, words.end(), key.text) != words.end();
        append_name(out, key.text, is_word ? key.text.substr(0, 1) : "%", "/~+");
      } else {
        append_name(out, key.text, step.kind == Step::Kind::attribute ? "#%" : reserved_first, "/~");
      }
      break;
    case LabelKey::Class::object:
      out += '=';
      append_name(out, key.text, "", "/~+");
      break;
    case LabelKey::Class::atom: out += "%" + digest::hex(first_half(digest_of(step.label))); break;
    case LabelKey::Class::digest: out += "%" + digest::hex(key.digest); break;
  }
  if (step.index > 0) out += "+" + std::to_string(std::uint64_t{step.index} + 1);
  return out;
}

std::vector<Labels::Meaning> Labels::meanings(std::string_view segment, std::string& text) const {
  std::vector<Meaning> out;
  const auto add = [&](Step::Kind edge, LabelKey::Class label, std::uint64_t number,
                       std::uint32_t twin = 0) -> LabelKey& {
    out.push_back({LabelKey{.edge = edge, .label = label, .number = number}, twin});
    return out.back().key;
  };
  Step::Kind kind = Step::Kind::key;
  const char first = segment.empty() ? '\0' : segment[0];
  if (first == '!') {
    if (const auto place = number_in<std::uint32_t>(segment.substr(1)))
      add(Step::Kind::argument, LabelKey::Class::place, *place);
    return out;
  }
  if (const auto place = number_in<std::uint32_t>(segment); place && base::is_digits(segment))
    add(Step::Kind::index, LabelKey::Class::place, *place);
  if (first == '@' || first == '&') {
    kind = first == '@' ? Step::Kind::attribute : Step::Kind::effect;
    segment.remove_prefix(1);
  }
  std::uint32_t twin = 0;
  const char lead = segment.empty() ? '\0' : segment[0];
  const bool may_be_numbered = kind == Step::Kind::effect || lead == '%' || (kind == Step::Kind::key && lead == '=');
  if (const auto plus = segment.rfind('+'); plus != std::string_view::npos && may_be_numbered) {
    const auto number = number_in<std::uint32_t>(segment.substr(plus + 1));
    if (!number || *number < 2) return out;
    twin = *number - 1;
    segment = segment.substr(0, plus);
  }
  if (kind == Step::Kind::effect)
    if (const auto word = std::find(words.begin() + 1, words.end(), segment); word != words.end()) {
      add(kind, LabelKey::Class::number, static_cast<std::uint64_t>(word - words.begin()), twin);
      return out;
    }
  if (lead == '#') {
    if (const auto number = number_in<std::int64_t>(segment.substr(1)))
      add(kind, LabelKey::Class::number, biased(*number));
    return out;
  }
  if (lead == '%') {
    std::array<std::uint8_t, 8> digest{};
    if (segment.size() != 17) return out;
    for (std::size_t at = 0; at < digest.size(); ++at) {
      const int high = hex_digit(segment[1 + 2 * at]);
      const int low = hex_digit(segment[2 + 2 * at]);
      if (high < 0 || low < 0) return out;
      digest[at] = static_cast<std::uint8_t>(high * 16 + low);
    }
    add(kind, LabelKey::Class::digest, 0, twin).digest = digest;
    if (kind == Step::Kind::key) add(Step::Kind::member, LabelKey::Class::digest, 0, twin).digest = digest;
    return out;
  }
  text.clear();
  if (lead == '=' && kind == Step::Kind::key) {
    if (unescape(segment.substr(1), text)) add(kind, LabelKey::Class::object, 0, twin).text = text;
    return out;
  }
  if (unescape(segment, text) && text.size() <= longest_text) add(kind, LabelKey::Class::text, 0, twin).text = text;
  return out;
}

}  // namespace pod::document
