#include "resource_changes.hpp"

#include "measures.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace podgit {
namespace {

using pod::ChangeKind;

Colour colour_of(ChangeKind kind) {
  return kind == ChangeKind::added ? Colour::green : kind == ChangeKind::removed ? Colour::red : Colour::yellow;
}

char sign_of(ChangeKind kind) { return kind == ChangeKind::added ? '+' : kind == ChangeKind::removed ? '-' : '~'; }

void count(ChangeTally& tally, ChangeKind kind) {
  (kind == ChangeKind::added ? tally.added : kind == ChangeKind::removed ? tally.removed : tally.changed) += 1;
}

std::string name_of(std::string_view service) { return service.empty() ? "(other)" : pod::printable(service); }

/// Lines are cut to a terminal's width, never elsewhere.
class Lines {
 public:
  explicit Lines(Session& session) : session_(session) {
    if (is_terminal(STDOUT_FILENO)) width_ = terminal_width(STDOUT_FILENO);
  }
  void line(const std::string& text, Colour colour) {
    session_.out().line(session_.paint(width_ ? fitted(text, *width_) : text, colour));
  }
  bool closed() { return session_.out().closed(); }

 private:
  Session& session_;
  std::optional<std::size_t> width_;
};

void print_fields(Lines& out, const std::vector<pod::FieldChange>& fields, std::uint64_t more) {
  for (const pod::FieldChange& field : fields) {
    const std::string path = field.path.empty() ? "(itself)" : pod::printable(field.path);
    const std::string before = pod::printable(field.before);
    const std::string after = pod::printable(field.after);
    std::string value = field.kind == ChangeKind::added ? after : field.kind == ChangeKind::removed ? before : "";
    if (field.kind == ChangeKind::changed) value = fmt::format("{} -> {}", before, after);
    out.line(fmt::format("      {} {}: {}", sign_of(field.kind), path, value), colour_of(field.kind));
    if (out.closed()) return;
  }
  if (more > 0) out.line(fmt::format("      and {} more", counted(more, "field")), Colour::dim);
}

}  // namespace

std::vector<ServiceChange> by_service(const pod::ResourceDiff& difference) {
  std::map<std::string, ChangeTally> services;
  for (const pod::ResourceChange& change : difference.resources) count(services[change.service], change.kind);
  for (const pod::OtherChange& change : difference.others)
    services[std::string(pod::service_of(change.path))].elsewhere += 1;
  std::vector<ServiceChange> out;
  for (const auto& [service, tally] : services) out.push_back({service, tally});
  return out;
}

ChangeTally tally_of(const pod::ResourceDiff& difference) {
  ChangeTally out;
  for (const pod::ResourceChange& change : difference.resources) count(out, change.kind);
  out.elsewhere = difference.others.size();
  return out;
}

std::string tally_text(const ChangeTally& tally) {
  std::string text;
  const auto part = [&](std::uint64_t number, std::string_view what) {
    if (number > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, what);
  };
  part(tally.added, "added");
  part(tally.changed, "changed");
  part(tally.removed, "removed");
  if (!text.empty()) text = fmt::format("{}: {}", counted(tally.resources(), "resource"), text);
  if (tally.elsewhere > 0)
    text += fmt::format("{}{} outside of resources", text.empty() ? "" : "; ", counted(tally.elsewhere, "file"));
  return text.empty() ? "no differences" : text;
}

Json json_of(const ChangeTally& tally) {
  return {
      {"added", tally.added}, {"removed", tally.removed}, {"changed", tally.changed}, {"elsewhere", tally.elsewhere}};
}

Json json_of(const ServiceChange& change) {
  Json out = {{"service", json_text(change.service)}};
  out.update(json_of(change.tally));
  return out;
}

void print_resource_changes(Session& session, const pod::ResourceDiff& difference) {
  Lines out(session);
  const auto others_of = [&](const std::string& service) {
    for (const pod::OtherChange& change : difference.others) {
      if (pod::service_of(change.path) != service || out.closed()) continue;
      out.line(fmt::format("  {} {}", sign_of(change.kind), pod::printable(change.path.str())), colour_of(change.kind));
      print_fields(out, change.fields, change.more_fields);
    }
  };
  for (const ServiceChange& service : by_service(difference)) {
    out.line(fmt::format("{}  {}", name_of(service.service), tally_text(service.tally)), Colour::bold);
    std::string place;
    const auto first =
        std::find_if(difference.resources.begin(), difference.resources.end(),
                     [&](const pod::ResourceChange& change) { return change.service == service.service; });
    for (auto change = first; change != difference.resources.end() && change->service == service.service; ++change) {
      const std::string here = pod::printable(fmt::format("{} {}", change->account, change->region));
      if (std::exchange(place, here) != here && here != " ") out.line("  " + here, Colour::dim);
      out.line(
          fmt::format("  {} {} {}", sign_of(change->kind), pod::printable(change->type), pod::printable(change->id)),
          colour_of(change->kind));
      print_fields(out, change->fields, change->more_fields);
      if (out.closed()) return;
    }
    others_of(service.service);
  }
  const ChangeTally sum = tally_of(difference);
  if (sum.resources() + sum.elsewhere > 0) out.line(tally_text(sum), Colour::plain);
}

void print_resource_summary(Session& session, const pod::ResourceDiff& difference, std::string_view indent) {
  const auto services = by_service(difference);
  std::size_t widest = 0;
  for (const ServiceChange& service : services) widest = std::max(widest, display_width(name_of(service.service)));
  for (const ServiceChange& service : services) {
    const std::string name = name_of(service.service);
    session.out().line(fmt::format("{}{}{}  {}", indent, name, std::string(widest - display_width(name), ' '),
                                   tally_text(service.tally)));
  }
  if (services.size() != 1) session.out().line(fmt::format("{}{}", indent, tally_text(tally_of(difference))));
}

}  // namespace podgit
