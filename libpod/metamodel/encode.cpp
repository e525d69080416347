// A model's file: canonical JSON, so the same model gives the same bytes. Layout: FORMATS.md, "The metamodel".

#include "metamodel/model_file.hpp"

#include <libpod/error.hpp>

#include "base/utf8.hpp"
#include "json/scanner.hpp"

#include <algorithm>

namespace pod::metamodel {
namespace {

/// Writes members in the order of their names, which is for its caller to keep.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  ~Object() { out_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  std::string& member(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    json::append_text(out_, name);
    out_ += ':';
    return out_;
  }
  void text(std::string_view name, std::string_view value) { json::append_text(member(name), value); }
  void size(std::string_view name, std::uint64_t value) { member(name) += std::to_string(value); }

 private:
  std::string& out_;
  bool first_ = true;
};

template <class Pairs, class Write>
void write_pairs(std::string& out, const Pairs& pairs, const Write& write) {
  // Nearly always sorted already.
  const auto less = [](const auto& a, const auto& b) { return a.first < b.first; };
  Object object(out);
  if (std::is_sorted(pairs.begin(), pairs.end(), less)) {
    for (const auto& [name, value] : pairs) write(object, name, value);
    return;
  }
  Pairs sorted = pairs;
  std::sort(sorted.begin(), sorted.end(), less);
  for (const auto& [name, value] : sorted) write(object, name, value);
}

void write_texts(std::string& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
  write_pairs(out, pairs,
              [](Object& object, const std::string& name, const std::string& value) { object.text(name, value); });
}
void write_sizes(std::string& out, const std::vector<std::pair<std::string, std::uint64_t>>& pairs) {
  write_pairs(out, pairs,
              [](Object& object, const std::string& name, std::uint64_t value) { object.size(name, value); });
}

void write_resource(std::string& out, const Resource& resource) {
  Object object(out);
  if (!resource.arn.empty()) object.text("arn", resource.arn);
  if (!resource.attributes.empty()) write_texts(object.member("attrs"), resource.attributes);
  if (resource.bytes > 0) object.size("bytes", resource.bytes);
  if (!resource.counts.empty()) write_sizes(object.member("counts"), resource.counts);
  object.text("digest", resource.digest);
  object.text("path", resource.path);
  if (!resource.references.empty()) {
    object.member("refs") += '[';
    for (std::size_t at = 0; at < resource.references.size(); ++at) {
      if (at > 0) out += ',';
      json::append_text(out, resource.references[at]);
    }
    out += ']';
  }
  if (!resource.tags.empty()) write_texts(object.member("tags"), resource.tags);
}

/// Sorted by type and id.
void write_resources(std::string& out, const std::vector<Resource>& resources) {
  Object types(out);
  for (std::size_t at = 0; at < resources.size();) {
    const std::string& type = resources[at].type;
    Object ids(types.member(type));
    for (; at < resources.size() && resources[at].type == type; ++at)
      write_resource(ids.member(resources[at].id), resources[at]);
  }
}

}  // namespace

std::string encode(const StateReading& reading, int rules_number) {
  std::string out;
  out.reserve(256 * reading.resources.size() + 1024);
  {
    Object object(out);
    object.size("bytes", reading.bytes);
    object.text("digest", reading.digest);
    object.size("format", static_cast<std::uint64_t>(model_format));
    object.text("kind", reading.format);
    if (!reading.not_read.empty()) object.text("not_read", clean_reason(reading.not_read));
    if (!reading.resources.empty()) write_resources(object.member("resources"), reading.resources);
    object.size("rules", static_cast<std::uint64_t>(rules_number));
    if (!reading.unmapped.empty()) write_sizes(object.member("unmapped"), reading.unmapped);
    object.text("verdict", name_of(reading.verdict));
  }
  out += '\n';
  if (!base::is_utf8(out)) throw Error(ErrorCode::invalid_argument, "text that is not UTF-8 cannot be written as JSON");
  return out;
}

}  // namespace pod::metamodel
