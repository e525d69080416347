#include "listing.hpp"

#include "../measures.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace podgit::inspect {
namespace {

constexpr std::size_t fields_at_once = 1000;

std::string name_of(std::string_view service) { return service.empty() ? "(other)" : pod::printable(service); }

void line(Session& session, const std::string& text, Colour colour = Colour::plain) {
  const bool terminal = is_terminal(STDOUT_FILENO);
  session.out().line(session.paint(terminal ? fitted(text, terminal_width(STDOUT_FILENO)) : text, colour));
}

std::string contents_of(const Item& item) {
  std::string out;
  const auto part = [&](const std::string& text) { out += (out.empty() ? "  " : ", ") + text; };
  if (item.kind == Item::Kind::collection) part(counted(item.count, "element"));
  if (item.resource != nullptr)
    for (const auto& [name, number] : item.resource->counts) part(fmt::format("{} {}", pod::printable(name), number));
  if (item.bytes > 0) part(human_size(item.bytes));
  return out;
}

std::string service_line(const Service& service) {
  std::string text = fmt::format("{}  {}, {}", name_of(service.name), counted(service.resources, "resource"),
                                 human_size(service.bytes));
  if (service.verdict != pod::Verdict::accept) text += fmt::format("  ({})", pod::verdict_name(service.verdict));
  return text;
}

std::string count_text(const Item& item) {
  return item.kind == Item::Kind::unread || item.count == 0 ? "-" : std::to_string(item.count);
}

struct Level {
  std::string path;
  std::size_t next = 0;  // field to ask for
  std::vector<pod::Field> fields;
  std::size_t at = 0;
};

}  // namespace

void print_tree(Session& session, const Content& content) {
  for (const Service& service : content.services()) {
    line(session, service_line(service), Colour::bold);
    std::string place;
    for (std::size_t i = service.first; i < service.last; ++i) {
      if (session.out().closed()) return;
      const Item& item = content.items()[i];
      const std::string here = pod::printable(fmt::format("{} {}", item.account, item.region));
      if (std::exchange(place, here) != here && here != " ") line(session, "  " + here, Colour::dim);
      if (item.kind == Item::Kind::unread)
        line(session, fmt::format("    not read: {}", pod::printable(item.file->not_read)), Colour::red);
      else
        line(session, fmt::format("    {} {}{}", pod::printable(item.type), pod::printable(item.id), contents_of(item)),
             item.kind == Item::Kind::collection ? Colour::dim : Colour::plain);
    }
    for (const pod::AssetSummary& assets : content.inventory().assets)
      if (assets.service == service.name)
        line(session, fmt::format("  {}, {}", counted(assets.files, "asset"), human_size(assets.bytes)), Colour::dim);
  }
}

void print_table(Session& session, const Content& content) {
  Table table({{"SERVICE"},
               {"ACCOUNT"},
               {"REGION"},
               {"TYPE"},
               {"COUNT", Table::Align::right},
               {"SIZE", Table::Align::right},
               {"NAME"}});
  for (const Item& item : content.items())
    table.add({name_of(item.service), std::string(item.account), std::string(item.region), std::string(item.type),
               count_text(item), item.bytes == 0 ? "-" : human_size(item.bytes), std::string(item.id)});
  session.print(table);
}

void print_fields(Session& session, const pod::Document& document, std::string_view path, std::size_t depth) {
  std::vector<Level> levels;
  levels.push_back({std::string(path), 0, {}, 0});
  while (!levels.empty() && !session.out().closed()) {
    Level& level = levels.back();
    if (level.at == level.fields.size()) {
      if (level.at > 0 && level.fields.size() < fields_at_once) {
        levels.pop_back();
        continue;
      }
      level.fields = document.fields(level.path, level.next, fields_at_once);
      level.next += level.fields.size();
      level.at = 0;
      if (level.fields.empty()) levels.pop_back();
      continue;
    }
    const pod::Field& field = level.fields[level.at++];
    const bool deeper = field.children > 0 && field.reference.empty() && levels.size() < depth;
    std::string text = std::string(2 * (levels.size() - 1), ' ') + pod::printable(field.name);
    if (!field.reference.empty())
      text += "  -> " + pod::printable(field.reference);
    else if (!field.value.empty())
      text += "  " + pod::printable(field.value);
    if (field.children > 0 && !deeper && field.reference.empty())
      text += fmt::format("  ({})", counted(field.children, "field"));
    line(session, text);
    // `level` and `field` are gone once another level is there
    if (deeper) levels.push_back({std::string(field.path), 0, {}, 0});
  }
}

}  // namespace podgit::inspect
