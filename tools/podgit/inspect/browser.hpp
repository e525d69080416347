// The browser without a terminal: keys go in, a screen comes out. Three linked panes: services, resources, details.
//
//   Browser browser(content, reader, {});
//   browser.resize(80, 24);
//   browser.press(Key::Name::down);
//   std::cout << browser.screen().text();
//
// Thread word: one thread. Cost of a key: what it lists, at most one pass over all rows; of a screen: what it shows.
#pragma once

#include "content.hpp"
#include "details.hpp"
#include "keys.hpp"
#include "screen.hpp"
#include "scroll.hpp"
#include "state_reader.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace podgit::inspect {

enum class Pane { services, resources, details };
enum class SortBy { name, size, count };

class Browser {
 public:
  struct Options {
    Glyphs glyphs;
    std::string filter;  // of the resources, to begin with
  };
  Browser(Content content, StateReader& reader, Options options);

  void resize(std::size_t columns, std::size_t rows);
  void press(Key key);
  Screen screen() const;

  bool done() const noexcept { return done_; }
  /// What is to go to the terminal's clipboard; once.
  std::optional<std::string> take_copied();

 private:
  enum class Mode { browse, filter, file_name, pick_version, pick_difference, text };

  // browser_keys.cpp
  void press_browsing(Key key);
  void press_letter(char32_t letter);
  void press_typing(Key key);
  void press_picking(Key key);
  void press_text(Key key);
  bool move(Scroll& scroll, std::size_t size, Key key) const;
  void enter();
  void leave();

  // browser.cpp
  void show(Content content);
  void list_services();
  void order_resources();
  void match_resources();
  void list_resources();
  void filter_services();
  void filter_resources();
  void choose_service();
  void choose_resource();
  void list_details();
  void load_fields(std::size_t first);
  void start_picking(Mode mode);
  void pick();
  void ask_file_name();
  void save();
  void copy();
  void sort();
  template <class Action>
  void trying(Action action);
  const Service* service() const;  // nullptr: all
  const Item* item() const;
  Scroll& scroll(Pane pane) { return scrolls_[static_cast<std::size_t>(pane)]; }
  const Scroll& scroll(Pane pane) const { return scrolls_[static_cast<std::size_t>(pane)]; }
  std::string& filter(Pane pane) { return filters_[static_cast<std::size_t>(pane)]; }
  const std::string& filter(Pane pane) const { return filters_[static_cast<std::size_t>(pane)]; }
  std::size_t size_of(Pane pane) const;
  void settle();

  // browser_paint.cpp
  struct Column {
    Pane pane;
    std::size_t width;
  };
  std::size_t body_height() const;
  std::vector<Column> columns() const;
  std::string sized(std::string_view text) const;
  Row title_row() const;
  Row header_row(const Column& column) const;
  Row crumbs_row() const;
  Row pane_row(const Column& column, std::size_t line) const;
  Row service_row(std::size_t index, std::size_t width) const;
  Row resource_row(const Item& item, std::size_t width) const;
  Row detail_row(const DetailLine& line, std::size_t width) const;
  Row status_row() const;
  Row version_row(std::size_t index) const;
  void paint_panes(Screen& screen) const;
  void paint_overlay(Screen& screen) const;

  StateReader& reader_;
  Glyphs glyphs_;
  std::size_t width_ = 80;
  std::size_t height_ = 24;
  bool done_ = false;
  Mode mode_ = Mode::browse;

  std::optional<Content> version_;  // what a difference goes back to
  Content content_;
  Pane focus_ = Pane::services;
  std::array<Scroll, 3> scrolls_;
  std::array<std::string, 3> filters_;
  std::array<SortBy, 2> sorts_{SortBy::name, SortBy::name};
  std::vector<std::uint32_t> services_;  // indexes that are listed; the first row is all of them
  std::vector<std::uint32_t> ordered_;   // indexes of items of the chosen service, sorted
  std::vector<bool> matched_;            // by index of item: whether the filter lets it through
  std::vector<std::uint32_t> listed_;    // of these, what the filter lets through
  std::uint64_t most_service_ = 0;       // bytes, for the bars
  std::size_t longest_type_ = 0;         // of ordered_

  std::vector<DetailLine> details_;
  std::vector<std::size_t> details_listed_;
  struct Level {
    std::string path;
    std::string name;
  };
  std::vector<Level> levels_;  // descended into
  bool fields_loaded_ = false;

  std::string typed_;
  std::string message_;
  std::vector<VersionLine> versions_;
  Scroll picker_;
  std::string text_title_;
  std::vector<std::string> text_;
  Scroll text_scroll_;
  std::optional<std::string> copied_;
};

}  // namespace podgit::inspect
