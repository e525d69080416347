#include "details.hpp"

#include "../measures.hpp"

#include <fmt/format.h>

#include <map>

namespace podgit::inspect {
namespace {

using Kind = DetailLine::Kind;

Mark mark_of(pod::ChangeKind kind) {
  return kind == pod::ChangeKind::added     ? Mark::added
         : kind == pod::ChangeKind::removed ? Mark::removed
                                            : Mark::changed;
}

class Lines {
 public:
  void fact(std::string_view label, std::string_view value) {
    if (!value.empty()) out_.push_back({Kind::fact, Mark::none, std::string(label), std::string(value), "", 0});
  }
  void heading(std::string_view text) { out_.push_back({Kind::heading, Mark::none, std::string(text), "", "", 0}); }
  void note(std::string_view text) { out_.push_back({Kind::note, Mark::none, std::string(text), "", "", 0}); }

  void resource(const pod::Resource& resource) {
    fact("arn", resource.arn);
    if (resource.bytes > 0) fact("size", human_size(resource.bytes));
    for (const auto& [name, number] : resource.counts) fact(name, std::to_string(number));
    for (const auto& [name, value] : resource.attributes) fact(name, value);
    for (const auto& [name, value] : resource.tags) fact("tag " + name, value.empty() ? "\"\"" : value);
    for (const std::string& other : resource.references) fact("refers to", other);
  }

  void changes(const std::vector<pod::FieldChange>& fields, std::uint64_t more) {
    if (!fields.empty()) heading("changes");
    for (const pod::FieldChange& field : fields)
      out_.push_back({Kind::change, mark_of(field.kind), field.path.empty() ? "(itself)" : field.path,
                      text_of(field, " -> "), "", 0});
    if (more > 0) note(fmt::format("and {} more", counted(more, "field")));
  }

  std::vector<DetailLine> take() { return std::move(out_); }

 private:
  std::vector<DetailLine> out_;
};

void add_file(Lines& lines, const pod::StateReading& file) {
  lines.fact("file", file.path.str());
  lines.fact("format", file.format);
  if (file.verdict != pod::Verdict::accept) lines.fact("verdict", pod::verdict_name(file.verdict));
}

}  // namespace

std::string_view word_of(Mark mark) {
  switch (mark) {
    case Mark::added: return "added";
    case Mark::removed: return "removed";
    case Mark::changed: return "changed";
    case Mark::none: break;
  }
  return "";
}

std::string text_of(const pod::FieldChange& change, std::string_view arrow) {
  switch (change.kind) {
    case pod::ChangeKind::added: return change.after;
    case pod::ChangeKind::removed: return change.before;
    case pod::ChangeKind::changed: break;
  }
  return fmt::format("{}{}{}", change.before, arrow, change.after);
}

std::vector<DetailLine> facts_of(const Item& item) {
  Lines lines;
  lines.fact("service", item.service);
  lines.fact("account", item.account);
  lines.fact("region", item.region);
  lines.fact("change", word_of(item.mark));
  if (item.change != nullptr) lines.changes(item.change->fields, item.change->more_fields);
  if (item.other != nullptr) lines.changes(item.other->fields, item.other->more_fields);
  if (item.mark != Mark::none && item.resource != nullptr) lines.heading("resource");
  if (item.kind == Item::Kind::collection) lines.fact("elements", std::to_string(item.count));
  if (item.resource != nullptr) lines.resource(*item.resource);
  if (item.file != nullptr) add_file(lines, *item.file);
  if (item.resource != nullptr) lines.fact("path", item.resource->path);
  if (item.kind == Item::Kind::unread && item.file != nullptr) {
    lines.fact("size", human_size(item.bytes));
    lines.note("not read: " + item.file->not_read);
  }
  return lines.take();
}

std::vector<DetailLine> facts_of(const Content& content, const Service* service) {
  Lines lines;
  std::uint64_t resources = 0;
  std::uint64_t bytes = 0;
  std::map<std::string_view, std::uint64_t> types;
  for (const Service& of : content.services()) {
    if (service != nullptr && service != &of) continue;
    resources += of.resources;
    bytes += of.bytes;
  }
  const std::size_t first = service != nullptr ? service->first : 0;
  const std::size_t last = service != nullptr ? service->last : content.items().size();
  for (std::size_t i = first; i < last; ++i) ++types[content.items()[i].type];
  lines.fact("resources", std::to_string(resources));
  if (bytes > 0) lines.fact("size", human_size(bytes));
  const pod::Verdict verdict = service != nullptr ? service->verdict : content.verdict();
  if (!content.is_difference()) lines.fact("verdict", pod::verdict_name(verdict));
  for (const pod::AssetSummary& assets : content.inventory().assets)
    if (service != nullptr && assets.service == service->name)
      lines.fact("assets", fmt::format("{}, {}", counted(assets.files, "file"), human_size(assets.bytes)));
  if (service == nullptr && !content.not_compared().empty())
    lines.note(fmt::format("not compared: {}", fmt::join(content.not_compared(), ", ")));
  if (!types.empty()) lines.heading("types");
  for (const auto& [type, number] : types) lines.fact(type, std::to_string(number));
  return lines.take();
}

DetailLine line_of(const pod::Field& field) {
  DetailLine line{Kind::field, Mark::none, field.name, field.value, field.path, field.children};
  if (!field.reference.empty()) {
    line.value = "see " + field.reference;
    line.path = field.reference;
  }
  return line;
}

}  // namespace podgit::inspect
