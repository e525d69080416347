#include "browser.hpp"

#include "../measures.hpp"

#include <fmt/format.h>

namespace podgit::inspect {
namespace {

using Name = Key::Name;

constexpr std::size_t most_typed = 200;

void append_utf8(std::string& text, char32_t point) {
  const auto byte = [&](char32_t value) { text += static_cast<char>(static_cast<unsigned char>(value)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | point >> 6);
    byte(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  } else if (point < 0x110000) {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3f));
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  }
}

void remove_last_character(std::string& text) {
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.back());
    text.pop_back();
    if (byte < 0x80 || byte >= 0xc0) return;
  }
}

const std::vector<std::string>& help() {
  static const std::vector<std::string> lines{
      "up down, k j       move",
      "PgUp PgDn          by a page (also b, Space)",
      "Home End, g G      to the first, the last",
      "Enter right l      open",
      "left h Backspace   back",
      "Tab                next pane",
      "/                  filter this pane",
      "Esc                clear filter, end difference",
      "s                  sort by name, size, count",
      "d                  what changed since a version",
      "v                  another version",
      "e                  export as JSON",
      "y                  copy ARN to the clipboard",
      "?                  this list",
      "q                  quit",
      "",
      "A service with ? has state to review, one with ! state that is refused: podgit verify says why.",
      "",
      "In the details, Enter opens a field or shows the whole of a value. Secrets are never shown here.",
  };
  return lines;
}

}  // namespace

void Browser::press(Key key) {
  if (mode_ != Mode::filter && mode_ != Mode::file_name) message_.clear();
  switch (mode_) {
    case Mode::browse: press_browsing(key); break;
    case Mode::filter:
    case Mode::file_name: press_typing(key); break;
    case Mode::pick_version:
    case Mode::pick_difference: press_picking(key); break;
    case Mode::text: press_text(key); break;
  }
  settle();
}

/// Whether `key` is one that moves; then `scroll` has moved.
bool Browser::move(Scroll& scroll, std::size_t size, Key key) const {
  const std::size_t page = std::max<std::size_t>(body_height(), 2) - 1;
  if (key == Name::up || key == U'k')
    scroll.up(1);
  else if (key == Name::down || key == U'j')
    scroll.down(1, size);
  else if (key == Name::page_up || key == U'b')
    scroll.up(page);
  else if (key == Name::page_down || key == U' ')
    scroll.down(page, size);
  else if (key == Name::home || key == U'g')
    scroll.at = 0;
  else if (key == Name::end || key == U'G')
    scroll.down(size, size);
  else
    return false;
  return true;
}

void Browser::press_browsing(Key key) {
  Scroll& list = scroll(focus_);
  const std::size_t before = list.at;
  if (move(list, size_of(focus_), key)) {
    if (list.at == before) return;
    if (focus_ == Pane::services) choose_service();
    if (focus_ == Pane::resources) choose_resource();
    return;
  }
  switch (key.name) {
    case Name::enter:
    case Name::right: enter(); break;
    case Name::left:
    case Name::backspace: leave(); break;
    case Name::tab:
      focus_ = focus_ == Pane::services ? Pane::resources : focus_ == Pane::resources ? Pane::details : Pane::services;
      if (focus_ != Pane::details || levels_.empty()) choose_resource();
      break;
    case Name::escape:
      if (!filter(focus_).empty()) {
        filter(focus_).clear();
        if (focus_ == Pane::services) filter_services();
        if (focus_ == Pane::resources) filter_resources();
        if (focus_ == Pane::details) list_details();
      } else if (version_) {
        Content back = *std::exchange(version_, std::nullopt);
        show(std::move(back));
      }
      break;
    default: press_letter(key.character);
  }
}

void Browser::press_letter(char32_t letter) {
  switch (letter) {
    case U'q': done_ = true; break;
    case U'l': enter(); break;
    case U'h': leave(); break;
    case U's': sort(); break;
    case U'd': start_picking(Mode::pick_difference); break;
    case U'v': start_picking(Mode::pick_version); break;
    case U'e': ask_file_name(); break;
    case U'y': copy(); break;
    case U'/': mode_ = Mode::filter; break;
    case U'?':
      mode_ = Mode::text;
      text_title_ = "keys";
      text_ = help();
      text_scroll_ = {};
      break;
    default: break;
  }
}

void Browser::enter() {
  if (focus_ == Pane::services) {
    focus_ = Pane::resources;
    choose_resource();
  } else if (focus_ == Pane::resources) {
    if (item() == nullptr) return;
    focus_ = Pane::details;
    choose_resource();
  } else if (scroll(Pane::details).at < details_listed_.size()) {
    const DetailLine line = details_[details_listed_[scroll(Pane::details).at]];
    if (line.kind == DetailLine::Kind::field && (line.children > 0 || line.value.starts_with("see "))) {
      levels_.push_back({line.path, line.label});
      details_.clear();
      filter(Pane::details).clear();
      scroll(Pane::details) = {};
      fields_loaded_ = false;
      load_fields(0);
    } else if (line.kind == DetailLine::Kind::more) {
      fields_loaded_ = false;
      load_fields(line.children);
    } else if (line.kind != DetailLine::Kind::heading) {
      mode_ = Mode::text;
      text_title_ = line.label;
      text_ = {line.value};
      text_scroll_ = {};
    }
  }
}

void Browser::leave() {
  if (focus_ == Pane::details && !levels_.empty()) {
    const std::string from = levels_.back().path;
    levels_.pop_back();
    fields_loaded_ = false;
    filter(Pane::details).clear();
    details_.clear();
    if (const Item* chosen = item(); chosen != nullptr && levels_.empty()) details_ = facts_of(*chosen);
    scroll(Pane::details) = {};
    load_fields(0);
    for (std::size_t i = 0; i < details_listed_.size(); ++i)
      if (const DetailLine& line = details_[details_listed_[i]];
          line.kind == DetailLine::Kind::field && line.path == from)
        scroll(Pane::details).at = i;
  } else if (focus_ == Pane::details) {
    focus_ = Pane::resources;
    choose_resource();
  } else if (focus_ == Pane::resources) {
    focus_ = Pane::services;
    choose_resource();
  }
}

void Browser::press_typing(Key key) {
  std::string& text = mode_ == Mode::filter ? filter(focus_) : typed_;
  if (key == Name::escape || key == Name::enter) {
    const bool given_up = key == Name::escape;
    if (mode_ == Mode::file_name) {
      mode_ = Mode::browse;
      if (!given_up && !typed_.empty()) save();
      return;
    }
    mode_ = Mode::browse;
    if (!given_up || text.empty()) return;
    text.clear();
  } else if (key == Name::backspace) {
    if (text.empty()) {
      mode_ = Mode::browse;
      return;
    }
    remove_last_character(text);
  } else if (key.name == Name::character && key.character >= 0x20 && text.size() < most_typed) {
    append_utf8(text, key.character);
  } else {
    return;
  }
  if (mode_ == Mode::file_name) return;
  if (focus_ == Pane::services) filter_services();
  if (focus_ == Pane::resources) filter_resources();
  if (focus_ == Pane::details) {
    scroll(Pane::details) = {};
    list_details();
  }
}

void Browser::press_picking(Key key) {
  if (move(picker_, versions_.size(), key)) return;
  if (key == Name::enter || key == Name::right || key == U'l')
    pick();
  else if (key == Name::escape || key == Name::left || key == Name::backspace || key == U'q' || key == U'h')
    mode_ = Mode::browse;
}

void Browser::press_text(Key key) {
  if (!move(text_scroll_, text_.size() * 64, key)) mode_ = Mode::browse;
}

}  // namespace podgit::inspect
