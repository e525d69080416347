#include "inspect/browser.hpp"

#include "memory_reader.hpp"

#include <doctest/doctest.h>

#include <ctime>
#include <utility>

using namespace podgit::inspect;
using Name = Key::Name;

namespace {

/// Of this process: what else runs on the machine does not count.
double cpu_milliseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1000 + static_cast<double>(time.tv_nsec) / 1e6;
}

pod::Inventory hundred_thousand() {
  pod::Inventory out;
  for (int service = 0; service < 50; ++service) {
    std::vector<pod::Resource> resources;
    for (int i = 0; i < 2000; ++i) {
      resources.push_back(resource("queue", "orders-" + std::to_string(service) + "-" + std::to_string(100000 + i),
                                   static_cast<std::uint64_t>(i * 7919 % 10007), static_cast<std::uint64_t>(i % 17)));
      resources.back().arn = "arn:aws:sqs:us-east-1:000000000000:" + resources.back().id;
    }
    out.files.push_back(state_file("service-" + std::to_string(100 + service), std::move(resources)));
  }
  return out;
}

}  // namespace

TEST_CASE("100,000 resources open at once, and no key takes longer than a frame") {
  MemoryReader reader;
  pod::Inventory inventory = hundred_thousand();
  double start = cpu_milliseconds();
  Browser browser(Content("shop:3", std::move(inventory)), reader, {});
  browser.resize(120, 40);
  CHECK(browser.screen().rows.size() == 40);
  const double open = cpu_milliseconds() - start;
  double worst = 0;
  std::size_t worst_key = 0;
  std::size_t number = 0;
  const Key keys[] = {Name::down,  Name::up, Name::enter,  Name::end,   Name::page_up, U's',       U's',
                      U's',        U'/',     U'o',         U'r',        U'9',          U'9',       U'7',
                      Name::enter, U's',     Name::escape, Name::enter, Name::left,    Name::left, Name::end};
  for (const Key key : keys) {
    start = cpu_milliseconds();
    browser.press(key);
    const Screen screen = browser.screen();
    const double took = cpu_milliseconds() - start;
    CHECK(screen.rows.size() == 40);
    if (took > worst) {
      worst = took;
      worst_key = number;
    }
    ++number;
  }
  MESSAGE("open: " << open << " ms; slowest key (number " << worst_key << "): " << worst << " ms of processor time");
  // what a sanitizer or no optimisation may cost on top is not the browser's
  CHECK(open < 200 * 10);
  CHECK(worst < 16 * 10);
}
