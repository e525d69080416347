#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <map>

namespace podgit {
namespace {

using By = pod::Usage::By;

const std::map<std::string, By, std::less<>>& kinds() {
  static const std::map<std::string, By, std::less<>> all{
      {"pod", By::pod}, {"version", By::version}, {"service", By::service}, {"file", By::file}};
  return all;
}

class Du final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "du",
        "[--by pod|version|service|file] [-n N] [POD]",
        "show what takes the space of the store",
        "podgit du                    # by pod\n"
        "podgit du shop               # what each version of shop added\n"
        "podgit du --by file -n 10",
        "STORED is what objects take in the store, CONTENT the same objects unpacked. Every\n"
        "object counts once: a version has what no older one has; a pod, a service or a file\n"
        "what no other one has, and what several have is a line of its own. After podgit gc an\n"
        "older version is stored as what it has otherwise than the next newer one.",
        ""};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_option("--by", by_, "pod, version, service or file; by pod, or by version where a POD is given")
        ->type_name("KIND");
    app.add_option("-n,--number", limit_, "only the N largest")->type_name("N")->check(positive_number());
    app.add_option("POD", pod_, "only this pod")->type_name("POD");
  }

  Outcome run(Session& session) override {
    if (by_.empty()) by_ = pod_.empty() ? "pod" : "version";
    const auto kind = kinds().find(by_);
    if (kind == kinds().end())
      throw_usage(fmt::format("{} is nothing that --by can show", pod::quote(by_)),
                  "use pod, version, service or file");
    std::optional<pod::PodName> pod;
    if (!pod_.empty()) pod = pod::PodName::parse(pod_);
    const pod::Store& store = session.store_to_read();
    const pod::Usage usage = store.usage(kind->second, pod, session.context());
    const std::size_t shown = static_cast<std::size_t>(std::min<std::uint64_t>(limit_, usage.rows.size()));
    Json rows = Json::array();
    for (std::size_t i = 0; i < shown && session.json(); ++i) {
      Json row{{"name", json_text(usage.rows[i].name)}};
      row.update(json_of(usage.rows[i]));
      rows.push_back(std::move(row));
    }
    if (!session.json()) show(session, usage, shown);
    return {.data = {{"by", by_},
                     {"pod", pod ? Json(pod->str()) : Json(nullptr)},
                     {"rows", std::move(rows)},
                     {"rowCount", usage.rows.size()},
                     {"shared", json_of(usage.shared)},
                     {"history", json_of(usage.history)},
                     {"undo", json_of(usage.undo)},
                     {"stray", json_of(usage.stray)},
                     {"indexBytes", usage.indexes},
                     {"totalBytes", usage.total}}};
  }

 private:
  static Json json_of(const pod::Usage::Row& row) {
    return {{"storedBytes", row.stored}, {"contentBytes", row.content}, {"objects", row.objects}};
  }

  void show(Session& session, const pod::Usage& usage, std::size_t shown) const {
    Table table({{"STORED", Table::Align::right},
                 {"CONTENT", Table::Align::right},
                 {"OBJECTS", Table::Align::right},
                 {fmt::format("BY {}", upper(by_))}});
    const auto add = [&](const pod::Usage::Row& row, const std::string& name) {
      table.add({human_size(row.stored), human_size(row.content), std::to_string(row.objects), name});
    };
    for (std::size_t i = 0; i < shown; ++i) add(usage.rows[i], usage.rows[i].name);
    if (shown < usage.rows.size()) {
      pod::Usage::Row rest;
      for (std::size_t i = shown; i < usage.rows.size(); ++i) {
        rest.stored += usage.rows[i].stored;
        rest.content += usage.rows[i].content;
        rest.objects += usage.rows[i].objects;
      }
      add(rest, fmt::format("({} more)", usage.rows.size() - shown));
    }
    if (usage.shared.objects > 0) add(usage.shared, fmt::format("(in several {}s, counted once)", by_));
    if (usage.history.objects > 0) add(usage.history, "(history: commits, folders, descriptions)");
    if (usage.undo.objects > 0) add(usage.undo, "(kept for undo)");
    if (usage.stray.objects > 0) add(usage.stray, "(nothing refers to it; podgit gc)");
    if (usage.indexes > 0) table.add({human_size(usage.indexes), "", "", "(indexes)"});
    session.print(table);
    session.out().line(fmt::format("{} in all", human_size(usage.total)));
  }

  static std::string upper(std::string text) {
    for (char& c : text)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
  }

  std::string by_;
  std::string pod_;
  std::uint64_t limit_ = UINT64_MAX;
};

}  // namespace

std::unique_ptr<Command> make_du() { return std::make_unique<Du>(); }

}  // namespace podgit
