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
constexpr std::array<std::string_view, 8> id_attributes = {"id", "arn", "message_id", "name", "key", "Id", "Arn", "Name"};
constexpr std::size_t outline_values = 16;
constexpr std::size_t longest_inline = 512;

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

void append_number(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

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
      return graph_->parts(value).empty() && (arguments.empty() || !arguments[0].is_node() || is_value_object(*graph_, arguments[0]));
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
  if (arguments.size() != 2 || arguments[0].kind() != Kind::global || arguments[1].kind() != Kind::tuple) return std::nullopt;
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
  return key.label == LabelKey::Class::digest ? key.digest == digest
                                              : key.label == LabelKey::Class::atom && first_half(digest_of(step.label)) == digest;
}

std::uint64_t Labels::hash_of(const Step& step) const {
  const auto mixed = [&](std::uint64_t hash) { return (hash + static_cast<std::uint64_t>(step.kind)) * 0x9e3779b97f4a7c15ull; };
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
  const auto add = [&](Step::Kind edge, LabelKey::Class label, std::uint64_t number, std::uint32_t twin = 0) -> LabelKey& {
    out.push_back({LabelKey{.edge = edge, .label = label, .number = number}, twin});
    return out.back().key;
  };
  Step::Kind kind = Step::Kind::key;
  const char first = segment.empty() ? '\0' : segment[0];
  if (first == '!') {
    if (const auto place = number_in<std::uint32_t>(segment.substr(1))) add(Step::Kind::argument, LabelKey::Class::place, *place);
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
    if (const auto number = number_in<std::int64_t>(segment.substr(1))) add(kind, LabelKey::Class::number, biased(*number));
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

ShortDigest Labels::short_digest(std::string_view bytes) {
  const digest::Sha256Value whole = digest::sha256(bytes);
  ShortDigest out;
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

void Labels::append_atom(std::string& out, Value atom) const {
  out += static_cast<char>(atom.kind());
  switch (atom.kind()) {
    case Kind::none: return;
    case Kind::boolean: out += graph_->boolean(atom) ? '1' : '0'; return;
    case Kind::integer: append_number(out, static_cast<std::uint64_t>(graph_->integer(atom))); return;
    case Kind::real: append_number(out, graph_->real_bits(atom)); return;
    default: break;
  }
  const std::string_view bytes = graph_->bytes(atom);
  append_number(out, bytes.size());
  if (bytes.size() <= longest_inline) {
    out += bytes;
    return;
  }
  std::unique_lock lock(mutex_);
  auto known = long_texts_.find(bytes.data());
  if (known == long_texts_.end()) {
    lock.unlock();
    const ShortDigest digest = short_digest(bytes);
    lock.lock();
    known = long_texts_.emplace(bytes.data(), digest).first;
  }
  out.append(reinterpret_cast<const char*>(known->second.data()), known->second.size());
}

void Labels::append_leaf(std::string& out, Value leaf) const {
  if (!leaf.is_node()) return append_atom(out, leaf);
  // Recursion: a leaf that is a node has at most 64 of them (values.hpp).
  out += static_cast<char>(leaf.kind());
  const auto arguments = graph_->arguments(leaf);
  append_number(out, arguments.size());
  if (leaf.kind() == Kind::frozen_set) {
    std::vector<std::string> members(arguments.size());
    for (std::size_t at = 0; at < members.size(); ++at) append_leaf(members[at], arguments[at]);
    std::sort(members.begin(), members.end());
    for (const std::string& member : members) out += member;
  } else {
    for (const Value argument : arguments) append_leaf(out, argument);
  }
  for (const Part& part : graph_->parts(leaf)) {
    out += static_cast<char>(part.act);
    append_number(out, part.values.size());
    for (const Value value : part.values) append_leaf(out, value);
  }
  out += '.';
}

void Labels::append_outline(std::string& out, Value node) const {
  out += static_cast<char>(node.kind());
  if (const auto name = class_of(*graph_, node)) {
    append_number(out, name->module.size());
    (out += name->module) += name->name;
    out += '\0';
  }
  // The first few values, not what lies below them; those that come in any order are sorted.
  std::vector<std::string> pieces;
  std::size_t left = outline_values;
  const auto piece = [&](std::span<const Value> values) {
    if (left == 0) return;
    --left;
    std::string& text = pieces.emplace_back();
    for (const Value value : values)
      if (is_leaf(value))
        append_leaf(text, value);
      else
        text += static_cast<char>(value.kind());
  };
  const auto flush = [&](bool sorted) {
    if (sorted) std::sort(pieces.begin(), pieces.end());
    for (const std::string& text : pieces) {
      append_number(out, text.size());
      out += text;
    }
    pieces.clear();
  };
  const bool has_class = node.kind() == Kind::call || node.kind() == Kind::object || node.kind() == Kind::object_kw;
  auto given = graph_->arguments(node);
  if (has_class && !given.empty()) given = given.subspan(1);
  for (const Value& argument : given)
    if (has_class && argument.kind() == Kind::tuple)
      for (const Value& element : graph_->arguments(argument).first(std::min(left, graph_->arguments(argument).size())))
        piece(std::span(&element, 1));
    else if (left > 0)
      piece(std::span(&argument, 1));
  flush(node.kind() == Kind::frozen_set);

  const auto pairs = [&](std::span<const Value> values) {
    for (std::size_t at = 0; left > 0 && at + 1 < values.size(); at += 2) piece(values.subspan(at, 2));
  };
  std::size_t looked_at = 0;
  for (const Part& part : graph_->parts(node)) {
    if (left == 0 || ++looked_at > outline_values) break;
    if (part.act == Part::Act::effect) continue;
    if (part.act == Part::Act::items) pairs(part.values);
    if (part.act == Part::Act::append || part.act == Part::Act::add)
      for (std::size_t at = 0; left > 0 && at < part.values.size(); ++at) piece(part.values.subspan(at, 1));
    if (part.act != Part::Act::state) continue;
    if (part.values[0].kind() != Kind::dict) {
      piece(part.values);
      continue;
    }
    for (const Part& items : graph_->parts(part.values[0])) {
      if (items.act != Part::Act::items || ++looked_at > outline_values) break;
      if (const auto id = id_among(items.values)) {
        pieces.clear();
        piece(*id);
        return flush(false);
      }
      pairs(items.values);
    }
  }
  flush(node.kind() != Kind::list);
}

/// The pair of an attribute by which an object is known among others of its class.
std::optional<std::span<const Value>> Labels::id_among(std::span<const Value> attributes) const {
  const std::size_t end = std::min(attributes.size(), 4 * outline_values) / 2 * 2;
  for (const std::string_view wanted : id_attributes)
    for (std::size_t at = 0; at < end; at += 2)
      if (graph_->is_text(attributes[at], wanted) && !attributes[at + 1].is_node() && attributes[at + 1].kind() != Kind::none)
        return attributes.subspan(at, 2);
  return std::nullopt;
}

ShortDigest Labels::digest_of(Value label) const {
  if (label.is_node()) {
    const std::lock_guard lock(mutex_);
    if (const auto known = nodes_.find(label.node()); known != nodes_.end()) return known->second;
  }
  std::string content;
  if (is_leaf(label))
    append_leaf(content, label);
  else
    append_outline(content, label);
  const ShortDigest digest = short_digest(content);
  if (label.is_node()) {
    const std::lock_guard lock(mutex_);
    nodes_.emplace(label.node(), digest);
  }
  return digest;
}

}  // namespace pod::document
