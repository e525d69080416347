#include "inspect/browser.hpp"

#include "measures.hpp"
#include "memory_reader.hpp"

#include <doctest/doctest.h>

#include <string_view>

using namespace podgit::inspect;
using Name = Key::Name;

namespace {

struct Desk {
  MemoryReader reader;
  Browser browser;

  explicit Desk(pod::Inventory inventory = small_inventory(), Browser::Options options = {})
      : browser(Content("shop:3", std::move(inventory)), reader, std::move(options)) {
    browser.resize(120, 24);
  }
  Desk& press(std::initializer_list<Key> keys) {
    for (const Key key : keys) browser.press(key);
    return *this;
  }
  Desk& type(std::string_view text) {
    for (const char c : text) browser.press(Key(static_cast<char32_t>(c)));
    return *this;
  }
  std::string text() const { return browser.screen().text(); }
  bool shows(std::string_view wanted) const { return text().find(wanted) != std::string::npos; }
};

std::size_t lines_with(const std::string& text, std::string_view wanted) {
  std::size_t out = 0;
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) ++out;
  return out;
}

}  // namespace

TEST_CASE("three panes show services, their resources and what one of them is") {
  Desk desk;
  CHECK(desk.shows("Services 3"));
  CHECK(desk.shows("(all)"));
  CHECK(desk.shows("photos"));
  CHECK(desk.shows("orders"));
  desk.press({Name::down});
  CHECK(desk.shows(">s3"));
  CHECK(desk.shows("photos"));
  CHECK_FALSE(desk.shows("orders"));
  desk.press({Name::enter});
  CHECK(desk.shows("arn:aws:x:::archive"));
  desk.press({Name::down});
  CHECK(desk.shows("arn:aws:x:::photos"));
  CHECK(desk.shows("4.9 KiB"));
}

TEST_CASE("every row of a screen has its width, whatever stands in it") {
  pod::Inventory inventory = small_inventory();
  inventory.files[0].resources = {resource("bucket", std::string(1 << 20, 'x')),
                                  resource("bucket", "\x1b[31mred\x07\n"),
                                  resource("bucket",
                                           "\xe2\x80\xae"
                                           "evil"),
                                  resource("bucket", "日本語の名前日本語の名前日本語の名前"),
                                  resource("bucket", "a\xcc\x81\xcc\x81\xcc\x81 combined"),
                                  resource("bucket", "zero\xe2\x80\x8bwidth"),
                                  resource("bucket", "\xff\xfe not utf-8"),
                                  resource("bucket", std::string("nul\0nul", 7))};
  for (const bool unicode : {true, false}) {
    Desk desk(inventory, {Glyphs{unicode}, ""});
    for (const auto& [columns, rows] : {std::pair<std::size_t, std::size_t>{120, 40},
                                        {100, 24},
                                        {99, 24},
                                        {80, 24},
                                        {60, 20},
                                        {59, 20},
                                        {40, 10},
                                        {20, 5},
                                        {5, 3},
                                        {2, 2},
                                        {1, 1}}) {
      desk.browser.resize(columns, rows);
      for (const Key key : {Key(Name::down), Key(Name::enter), Key(Name::down), Key(Name::enter), Key(Name::left),
                            Key(U'?'), Key(U'q'), Key(U'd'), Key(Name::escape), Key(Name::left)}) {
        desk.browser.press(key);
        const Screen screen = desk.browser.screen();
        CHECK(screen.rows.size() == rows);
        for (const Row& row : screen.rows) {
          CHECK(podgit::display_width(row.text()) == columns);
          for (const char c : row.text()) {
            CHECK(static_cast<unsigned char>(c) >= 0x20);
            if (!unicode) CHECK(static_cast<unsigned char>(c) < 0x7f);
          }
          CHECK(row.text().find("\xe2\x80\xae") == std::string::npos);
          CHECK(row.text().find("\xe2\x80\x8b") == std::string::npos);
        }
      }
    }
  }
}

TEST_CASE("a narrow screen has one pane, and crumbs that say where it is") {
  Desk desk;
  desk.browser.resize(40, 10);
  CHECK(desk.shows("all services"));
  CHECK_FALSE(desk.shows("photos"));
  desk.press({Name::down, Name::enter});
  CHECK(desk.shows("s3 › 2 resources"));
  CHECK(desk.shows("photos"));
  desk.press({Name::enter});
  CHECK(desk.shows("s3 › bucket archive"));
  CHECK(desk.shows("arn:aws:x:::archive"));
  desk.press({Name::left, Name::left});
  CHECK(desk.shows("xray"));
}

TEST_CASE("a middle screen has two panes: the one in focus and what belongs to it") {
  Desk desk;
  desk.browser.resize(80, 24);
  CHECK(desk.shows("Services"));
  CHECK(desk.shows("Resources"));
  CHECK_FALSE(desk.shows("Details"));
  desk.press({Name::enter});
  CHECK_FALSE(desk.shows("Services"));
  CHECK(desk.shows("Details"));
}

TEST_CASE("the filter narrows while it is typed and is cleared by Escape") {
  Desk desk;
  desk.press({Name::enter, U'/'}).type("MAIL");
  CHECK(desk.shows("/MAIL_"));
  CHECK(desk.shows("Mails"));
  CHECK_FALSE(desk.shows("photos"));
  desk.press({Name::enter});
  CHECK(desk.shows("Resources 1"));
  desk.press({U'/'}).type("x");
  CHECK(desk.shows("nothing matches"));
  desk.press({Name::backspace, Name::enter, Name::escape});
  CHECK(desk.shows("photos"));
  desk.press({U'/', U'ö', Name::backspace, Name::backspace});
  CHECK(desk.shows("? keys"));
}

TEST_CASE("services are filtered too, and their resources follow") {
  Desk desk;
  desk.press({U'/'}).type("sq").press({Name::enter});
  CHECK(desk.shows(">sqs"));
  CHECK(desk.shows("orders"));
  CHECK_FALSE(desk.shows("photos"));
  CHECK_FALSE(desk.shows("xray"));
}

TEST_CASE("s sorts the pane in focus by name, size and count") {
  Desk desk;
  desk.press({Name::enter});
  const auto first = [&] {
    const std::string text = desk.text();
    const std::size_t at = text.find("│>");
    return text.substr(at, 60);
  };
  CHECK(first().find("archive") != std::string::npos);
  desk.press({U's'});
  CHECK(desk.shows("by size"));
  CHECK(first().find("photos") != std::string::npos);
  desk.press({U's'});
  CHECK(desk.shows("by count"));
  CHECK(first().find("photos") != std::string::npos);
  desk.press({U's'});
  CHECK_FALSE(desk.shows(" by "));
}

TEST_CASE("a file that was not read and a collection without a rule are listed as such") {
  Desk desk;
  CHECK(desk.shows("collection"));
  CHECK(desk.shows("@moves"));
  desk.press({Name::end, Name::enter});
  CHECK(desk.shows("not read"));
  CHECK(desk.shows("no format that is known"));
  CHECK(desk.shows("verdict: review"));
}

TEST_CASE("the fields of a resource are asked for when its details are opened, not before") {
  Desk desk;
  desk.reader.documents["/buckets/photos"] = {{"@name", "/buckets/photos/@name", "photos", "", 0},
                                              {"@keys", "/buckets/photos/@keys", "dict", "", 2},
                                              {"@owner", "/buckets/photos/@owner", "", "/owners/1", 0}};
  desk.reader.documents["/buckets/photos/@keys"] = {{"a", "/buckets/photos/@keys/a", "1", "", 0}};
  desk.press({Name::down, Name::enter, Name::down});
  CHECK(desk.reader.asked.empty());
  desk.press({Name::enter});
  CHECK(desk.reader.asked ==
        std::vector<std::string>{"api_states/000000000000/s3/global/backend.state:/buckets/photos"});
  CHECK(desk.shows("▸ @keys"));
  CHECK(desk.shows("see /owners/1"));
  desk.press({Name::end, Name::up, Name::enter});
  CHECK(desk.reader.asked.back() == "api_states/000000000000/s3/global/backend.state:/buckets/photos/@keys");
  CHECK(desk.shows("/buckets/photos/@keys"));
  desk.press({Name::left});
  CHECK(desk.shows(">▸ @keys"));
  desk.press({Name::left});
  CHECK(desk.shows(" Resources"));
}

TEST_CASE("a document that cannot be read is said, and the browser goes on") {
  Desk desk;
  desk.reader.broken = true;
  desk.press({Name::down, Name::enter, Name::enter});
  CHECK(desk.shows("this is no document"));
  desk.press({Name::left, Name::down});
  CHECK_FALSE(desk.shows("this is no document"));
  CHECK_FALSE(desk.browser.done());
}

TEST_CASE("more than a thousand fields come in parts") {
  Desk desk;
  std::vector<pod::Field> many;
  for (int i = 0; i < 2500; ++i) many.push_back({std::to_string(i), "/x/" + std::to_string(i), "value", "", 0});
  desk.reader.documents["/buckets/archive"] = many;
  desk.press({Name::down, Name::enter, Name::enter, Name::end});
  CHECK(desk.shows("Enter shows more"));
  desk.press({Name::enter, Name::end, Name::enter, Name::end});
  CHECK(desk.shows("2499"));
  CHECK_FALSE(desk.shows("Enter shows more"));
}

TEST_CASE("d compares with another version and Escape ends it") {
  Desk desk;
  desk.reader.inventories["shop:2"] = small_inventory();
  desk.reader.inventories["shop:2"].files[0].resources.push_back(resource("bucket", "zeta", 7));
  pod::ResourceChange changed{"000000000000",
                              "us-east-1",
                              "sqs",
                              "queue",
                              "orders",
                              pod::ChangeKind::changed,
                              {{"/@attributes/VisibilityTimeout", pod::ChangeKind::changed, "30", "90"}},
                              4};
  pod::ResourceChange gone{"000000000000", "global", "s3", "bucket", "zeta", pod::ChangeKind::removed, {}, 0};
  desk.reader.difference.resources = {gone, changed};
  desk.press({U'd'});
  CHECK(desk.shows("What changed since which version?"));
  desk.press({Name::enter});
  CHECK(desk.reader.compared == std::vector<std::string>{"shop:2"});
  CHECK(desk.shows("shop:2 -> shop:3"));
  CHECK(desk.shows("~1 -1"));
  CHECK(desk.shows("- s3 bucket"));
  CHECK_FALSE(desk.shows("photos"));
  desk.press({Name::enter});
  CHECK(desk.shows("- s3 bucket"));
  desk.press({Name::down});
  CHECK(desk.shows("30 -> 90"));
  CHECK(desk.shows("and 4 fields more"));
  desk.press({Name::escape});
  CHECK(desk.shows("photos"));
  CHECK_FALSE(desk.shows("shop:2 -> shop:3"));
}

TEST_CASE("v shows another version and stays at the same resource") {
  Desk desk;
  desk.reader.inventories["shop:2"] = small_inventory();
  desk.press({Name::down, Name::down, Name::enter, Name::down, Name::down});
  desk.press({U'v', Name::down, Name::enter});
  CHECK(desk.reader.opened == std::vector<std::string>{"shop:2"});
  CHECK(desk.shows(" shop:2"));
  CHECK(desk.shows(">collection"));
  desk.press({U'v', Name::up, Name::enter});
  CHECK(desk.shows("there is no shop:3"));
  desk.press({U'v', Name::escape});
  CHECK(desk.reader.opened.size() == 2);
}

TEST_CASE("e writes what is chosen, under a name that can be changed") {
  Desk desk;
  desk.press({Name::down, Name::enter, U'e'});
  CHECK(desk.shows("write to: shop-3-s3-bucket-archive.json_"));
  desk.press({Name::enter});
  CHECK(desk.reader.saved == std::pair<std::string, std::size_t>{"shop-3-s3-bucket-archive.json", 1});
  CHECK(desk.shows("wrote shop-3"));
  desk.press({Name::left, U'e', Name::backspace, U'x', Name::enter});
  CHECK(desk.reader.saved == std::pair<std::string, std::size_t>{"shop-3-s3.jsox", 2});
  desk.press({U'e', Name::escape});
  CHECK_FALSE(desk.shows("write to"));
}

TEST_CASE("y copies the ARN once, and what a terminal would run is escaped") {
  pod::Inventory inventory = small_inventory();
  inventory.files[0].resources[0].arn = "arn:\x1b]52;c;evil\x07";
  Desk desk(std::move(inventory));
  desk.press({Name::down, Name::enter, U'y'});
  CHECK(desk.browser.take_copied() == "arn:\\x1b]52;c;evil\\x07");
  CHECK_FALSE(desk.browser.take_copied());
}

TEST_CASE("? lists the keys and any key goes back; q ends") {
  Desk desk;
  desk.press({U'?'});
  CHECK(desk.shows("filter this pane"));
  desk.browser.resize(40, 10);
  CHECK(lines_with(desk.text(), "\n") == 10);
  desk.press({Name::escape});
  CHECK_FALSE(desk.shows("filter this pane"));
  desk.press({U'q'});
  CHECK(desk.browser.done());
}

TEST_CASE("nothing to show is shown as nothing") {
  Desk desk(pod::Inventory{});
  CHECK(desk.shows("nothing here"));
  desk.press({Name::enter, Name::enter, Name::down, U'e', U's', U'y', Name::tab, Name::tab, Name::end, Name::left});
  CHECK_FALSE(desk.browser.done());
}
