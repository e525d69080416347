#include "browser.hpp"

#include "../measures.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace podgit::inspect {
namespace {

constexpr std::size_t three_panes = 100;
constexpr std::size_t two_panes = 60;
constexpr std::size_t narrow_hints = 66;
constexpr std::size_t size_width = 10;
constexpr std::size_t count_width = 7;
constexpr std::size_t bar_width = 10;

std::string_view name_of(Pane pane) {
  switch (pane) {
    case Pane::services: return "Services";
    case Pane::resources: return "Resources";
    case Pane::details: return "Details";
  }
  return "";
}

std::string_view name_of(SortBy by) {
  switch (by) {
    case SortBy::name: return "name";
    case SortBy::size: return "size";
    case SortBy::count: return "count";
  }
  return "";
}

Style style_of(Mark mark) {
  switch (mark) {
    case Mark::added: return Style::added;
    case Mark::removed: return Style::removed;
    case Mark::changed: return Style::changed;
    case Mark::none: break;
  }
  return Style::plain;
}

std::string_view sign_of(Mark mark) {
  switch (mark) {
    case Mark::added: return "+";
    case Mark::removed: return "-";
    case Mark::changed: return "~";
    case Mark::none: break;
  }
  return " ";
}

std::string signs(std::uint64_t added, std::uint64_t changed, std::uint64_t removed) {
  std::string out;
  const auto part = [&](char sign, std::uint64_t number) {
    if (number > 0) out += fmt::format("{}{}{}", out.empty() ? "" : " ", sign, number);
  };
  part('+', added);
  part('~', changed);
  part('-', removed);
  return out;
}

std::string number_of(std::uint64_t number) { return number == 0 ? "" : std::to_string(number); }

std::string size_or_nothing(std::uint64_t bytes) { return bytes == 0 ? "" : human_size(bytes); }

std::string bar_of(std::uint64_t part, std::uint64_t whole, const Glyphs& glyphs) {
  std::string out;
  if (whole == 0) return out;
  const auto blocks =
      static_cast<std::size_t>(static_cast<double>(part) / static_cast<double>(whole) * bar_width + 0.5);
  for (std::size_t i = 0; i < std::min(blocks, bar_width); ++i) out += glyphs.block();
  return out;
}

std::size_t rest_of(std::size_t width, std::size_t used) { return width > used ? width - used : 0; }

/// The end of what is typed stays in sight.
std::string tail(const std::string& text, std::size_t width) {
  std::size_t start = 0;
  while (display_width(text.substr(start)) > width && start < text.size()) ++start;
  return text.substr(start);
}

}  // namespace

std::size_t Browser::body_height() const { return height_ > 4 ? height_ - 3 : height_ > 2 ? height_ - 2 : 1; }

std::string Browser::sized(std::string_view text) const {
  return shown(text, glyphs_, std::min<std::size_t>(width_, 1000));
}

std::vector<Browser::Column> Browser::columns() const {
  if (width_ >= three_panes) {
    const std::size_t first = std::clamp<std::size_t>(width_ * 28 / 100, 30, 44);
    const std::size_t last = width_ * 36 / 100;
    return {{Pane::services, first}, {Pane::resources, width_ - first - last - 2}, {Pane::details, last}};
  }
  if (width_ < two_panes) return {{focus_, width_}};
  const std::size_t first = focus_ == Pane::services ? std::max<std::size_t>(width_ * 2 / 5, 28) : width_ / 2;
  const Pane left = focus_ == Pane::services ? Pane::services : Pane::resources;
  return {{left, first}, {left == Pane::services ? Pane::resources : Pane::details, width_ - first - 1}};
}

Row Browser::title_row() const {
  std::string right;
  if (!content_.is_difference() && content_.verdict() != pod::Verdict::accept)
    right = fmt::format("  verdict: {} ", pod::verdict_name(content_.verdict()));
  if (content_.is_difference()) {
    std::uint64_t added = 0;
    std::uint64_t changed = 0;
    std::uint64_t removed = 0;
    for (const Service& of : content_.services()) {
      added += of.added;
      changed += of.changed;
      removed += of.removed;
    }
    right = "  " + signs(added, changed, removed) + " ";
  }
  const std::size_t right_width = std::min(display_width(right), width_ / 2);
  Row row;
  row.add(" " + sized(content_.title()), width_ - right_width, Style::bold);
  row.add_right(right, right_width, Style::bold);
  return row;
}

Row Browser::header_row(const Column& column) const {
  const std::size_t number = column.pane == Pane::services ? services_.size() : size_of(column.pane);
  std::string text = fmt::format(" {}", name_of(column.pane));
  if (column.pane != Pane::details) {
    text += fmt::format(" {}", number);
    const SortBy by = sorts_[static_cast<std::size_t>(column.pane)];
    if (by != SortBy::name) text += fmt::format(" by {}", name_of(by));
  }
  if (!filter(column.pane).empty()) text += "  /" + sized(filter(column.pane));
  if (column.pane == Pane::details && !levels_.empty()) text = " " + sized(levels_.back().path);
  Row row;
  row.add(text, column.width, column.pane == focus_ ? Style::bold : Style::dim);
  return row;
}

Row Browser::crumbs_row() const {
  std::string text = " ";
  const Service* of = service();
  text += of == nullptr ? "all services" : of->name.empty() ? "(other)" : sized(of->name);
  if (focus_ != Pane::services) {
    text += std::string(glyphs_.into());
    if (const Item* chosen = focus_ == Pane::details ? item() : nullptr)
      text += sized(chosen->type) + " " + sized(chosen->id);
    else
      text += fmt::format("{}", counted(listed_.size(), "resource"));
  }
  for (const Level& level : levels_) text += std::string(glyphs_.into()) + sized(level.name);
  if (!filter(focus_).empty()) text += "  /" + sized(filter(focus_));
  Row row;
  row.add(display_width(text) <= width_ ? text : std::string(glyphs_.cut()) + tail(text, width_ - 1), width_,
          Style::bold);
  return row;
}

Row Browser::service_row(std::size_t index, std::size_t width) const {
  Service all;
  if (index == 0)
    for (const Service& each : content_.services()) {
      all.resources += each.resources;
      all.bytes += each.bytes;
      all.added += each.added;
      all.changed += each.changed;
      all.removed += each.removed;
    }
  const Service& of = index == 0 ? all : content_.services()[services_[index - 1]];
  const std::string name = index == 0 ? "(all)" : of.name.empty() ? "(other)" : sized(of.name);
  Row row;
  if (content_.is_difference()) {
    const std::string text = signs(of.added, of.changed, of.removed);
    const std::size_t right = std::min(display_width(text), width / 2);
    row.add(name, rest_of(width, right + 1));
    row.add("", std::min<std::size_t>(1, width));
    row.add_right(text, right);
    return row;
  }
  const bool with_bar = width >= 54;
  const std::size_t right = width >= 20 ? size_width + (width >= 26 ? count_width : 0) : 0;
  const Style style = of.verdict == pod::Verdict::accept ? Style::plain : Style::warning;
  const std::string warning = of.verdict == pod::Verdict::accept   ? ""
                              : of.verdict == pod::Verdict::review ? " ?"
                                                                   : " !";
  row.add(name + warning, rest_of(width, right + (with_bar ? bar_width + 1 : 0)), style);
  if (with_bar) {
    row.add(bar_of(of.bytes, index == 0 ? 0 : most_service_, glyphs_), bar_width, Style::bar);
    row.add("", 1);
  }
  if (width >= 26) row.add_right(std::to_string(of.resources), count_width);
  if (width >= 20) row.add_right(human_size(of.bytes), size_width, Style::dim);
  return row;
}

Row Browser::resource_row(const Item& item, std::size_t width) const {
  const bool difference = content_.is_difference();
  const std::size_t sign = difference ? 2 : 0;
  const std::size_t type = width >= 24 ? std::min({longest_type_ + 1, width * 2 / 5, std::size_t{22}}) : 0;
  const std::size_t region = width >= 60 ? 15 : 0;
  const std::size_t count = !difference && width >= 44 ? count_width : 0;
  const std::size_t size = !difference && width >= 34 ? size_width : 0;
  Row row;
  if (difference) row.add(fmt::format("{} ", sign_of(item.mark)), std::min(sign, width), style_of(item.mark));
  const bool of_all = service() == nullptr;
  if (type > 0)
    row.add(sized(of_all ? fmt::format("{} {}", item.service, item.type) : std::string(item.type)), type - 1,
            Style::dim);
  if (type > 0) row.add("", 1);
  const Style style = difference                            ? style_of(item.mark)
                      : item.kind == Item::Kind::unread     ? Style::warning
                      : item.kind == Item::Kind::collection ? Style::dim
                                                            : Style::plain;
  row.add(sized(item.id), rest_of(width, sign + type + region + count + size), style);
  if (region > 0) {
    row.add("", 1);
    row.add(sized(item.region), region - 1, Style::dim);
  }
  if (count > 0) row.add_right(number_of(item.count), count);
  if (size > 0) row.add_right(size_or_nothing(item.bytes), size, Style::dim);
  return row;
}

Row Browser::detail_row(const DetailLine& line, std::size_t width) const {
  Row row;
  const std::size_t label = std::min(std::clamp<std::size_t>(width / 3, 8, 24), width);
  switch (line.kind) {
    case DetailLine::Kind::heading: row.add(line.label, width, Style::bold); break;
    case DetailLine::Kind::note: row.add(sized(line.label), width, Style::warning); break;
    case DetailLine::Kind::more: row.add(fmt::format("{} Enter shows more", glyphs_.more()), width, Style::dim); break;
    case DetailLine::Kind::change:
      row.add(fmt::format("{} {}", sign_of(line.mark), sized(line.label)), width / 2, style_of(line.mark));
      row.add("", std::min<std::size_t>(width, 1));
      row.add(sized(line.value), rest_of(width, width / 2 + 1), style_of(line.mark));
      break;
    case DetailLine::Kind::fact:
      row.add(sized(line.label), label > 0 ? label - 1 : 0, Style::dim);
      row.add("", std::min<std::size_t>(label, 1));
      row.add(sized(line.value), rest_of(width, label));
      break;
    case DetailLine::Kind::field: {
      const std::string open = line.children > 0 ? std::string(glyphs_.more()) + " " : "  ";
      row.add(open + sized(line.label), label > 0 ? label - 1 : 0, Style::dim);
      row.add("", std::min<std::size_t>(label, 1));
      row.add(sized(line.value), rest_of(width, label));
      break;
    }
  }
  return row;
}

Row Browser::pane_row(const Column& column, std::size_t line) const {
  const Scroll& list = scroll(column.pane);
  const std::size_t index = list.top + line;
  Row row;
  if (index >= size_of(column.pane)) {
    const bool empty = line == 0 && column.pane == Pane::resources;
    const bool filtered = !filter(Pane::resources).empty() && !ordered_.empty();
    row.add(!empty ? "" : filtered ? "  nothing matches the filter" : "  nothing here", column.width, Style::dim);
    return row;
  }
  const bool chosen = index == list.at && (column.pane != Pane::details || focus_ == Pane::details);
  const bool focused = column.pane == focus_;
  row.add(chosen && focused ? ">" : " ", 1);
  const std::size_t width = column.width - 1;
  if (column.pane == Pane::services) row.append(service_row(index, width));
  if (column.pane == Pane::resources) row.append(resource_row(content_.items()[listed_[index]], width));
  if (column.pane == Pane::details) row.append(detail_row(details_[details_listed_[index]], width));
  if (chosen) row.restyle(focused ? Style::chosen : Style::chosen_elsewhere);
  return row;
}

Row Browser::status_row() const {
  Row row;
  if (mode_ == Mode::filter) {
    row.add("/" + tail(sized(filter(focus_)), width_ - std::min<std::size_t>(width_, 2)) + "_", width_, Style::bold);
  } else if (mode_ == Mode::file_name) {
    row.add("write to: " + tail(sized(typed_), width_ - std::min<std::size_t>(width_, 11)) + "_", width_, Style::bold);
  } else if (!message_.empty()) {
    row.add(" " + sized(message_), width_, Style::warning);
  } else if (mode_ == Mode::pick_version || mode_ == Mode::pick_difference) {
    row.add(" Enter choose  Esc back", width_, Style::dim);
  } else if (mode_ == Mode::text) {
    row.add(" any key goes back", width_, Style::dim);
  } else if (width_ < narrow_hints) {
    row.add(content_.is_difference() ? " ? keys  Esc end  q quit" : " ? keys  / filter  q quit", width_, Style::dim);
  } else if (content_.is_difference()) {
    row.add(" ? keys  Esc end difference  / filter  s sort  e export  q quit", width_, Style::dim);
  } else {
    row.add(" ? keys  / filter  s sort  d diff  v versions  e export  q quit", width_, Style::dim);
  }
  return row;
}

Row Browser::version_row(std::size_t index) const {
  const VersionLine& version = versions_[index];
  const bool chosen = index == picker_.at;
  Row row;
  row.add(chosen ? ">" : " ", 1);
  row.add(sized(version.name) + "  " + version.time + "  " + sized(version.subject), width_ - 1);
  if (chosen) row.restyle(Style::chosen);
  return row;
}

void Browser::paint_panes(Screen& screen) const {
  const auto parts = columns();
  if (height_ > 4) {
    Row header;
    if (parts.size() == 1) {
      header = crumbs_row();
    } else {
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) header.add(glyphs_.bar(), 1, Style::dim);
        header.append(header_row(parts[i]));
      }
    }
    screen.rows.push_back(std::move(header));
  }
  for (std::size_t line = 0; line < body_height(); ++line) {
    Row row;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) row.add(glyphs_.bar(), 1, Style::dim);
      row.append(pane_row(parts[i], line));
    }
    screen.rows.push_back(std::move(row));
  }
}

void Browser::paint_overlay(Screen& screen) const {
  Row header;
  const std::string_view title = mode_ == Mode::pick_version      ? "Show which version?"
                                 : mode_ == Mode::pick_difference ? "What changed since which version?"
                                                                  : std::string_view(text_title_);
  header.add(" " + sized(title), width_, Style::bold);
  if (height_ > 4) screen.rows.push_back(std::move(header));
  std::vector<std::string> lines;
  if (mode_ == Mode::text)
    for (const std::string& text : text_)
      for (std::string& line : wrapped(shown(text, glyphs_, 100000), width_ > 2 ? width_ - 2 : 1))
        lines.push_back(std::move(line));
  const std::size_t top =
      mode_ == Mode::text ? std::min(text_scroll_.at, lines.size() > body_height() ? lines.size() - body_height() : 0)
                          : picker_.top;
  for (std::size_t line = 0; line < body_height(); ++line) {
    const std::size_t index = top + line;
    if (mode_ != Mode::text && index < versions_.size()) {
      screen.rows.push_back(version_row(index));
      continue;
    }
    Row row;
    row.add(mode_ == Mode::text && index < lines.size() ? " " + lines[index] : "", width_);
    screen.rows.push_back(std::move(row));
  }
}

Screen Browser::screen() const {
  Screen out;
  if (height_ > 2) out.rows.push_back(title_row());
  if (mode_ == Mode::text || mode_ == Mode::pick_version || mode_ == Mode::pick_difference)
    paint_overlay(out);
  else
    paint_panes(out);
  if (height_ > 1) out.rows.push_back(status_row());
  out.rows.resize(std::min(out.rows.size(), height_));
  if (glyphs_.unicode) return out;
  for (Row& row : out.rows) row.replace("…", glyphs_.cut());
  return out;
}

}  // namespace podgit::inspect
