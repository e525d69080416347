// What libpod makes of pickles, for comparison with Python. Reads a list of files from standard input, one a line, and
// writes one JSON line for each: {"file", "error"} or {"file", "globals": [[module, name], …], "digest", "trailing"},
// and where a folder is named, the canonical writing to a file of the same number (0, 1, …) in it; "refused" where
// there is none.
//
//   document_tool [FOLDER] < LIST

#include "digest/digest.hpp"
#include "document/document.hpp"
#include "document/pickle.hpp"
#include "document/values.hpp"
#include "json/json.hpp"

#include <libpod/error.hpp>

#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace {

namespace document = pod::document;

pod::json::Value globals_of(const document::Graph& graph) {
  std::set<std::pair<std::string, std::string>> names;
  for (document::NodeId id = 0; id < graph.node_count(); ++id)
    if (const auto name = document::global_name(graph, graph.node(id))) names.emplace(name->module, name->name);
  pod::json::Value list = pod::json::Value::array();
  for (const auto& [module, name] : names) list.push_back({module, name});
  return list;
}

pod::json::Value answer(const std::string& file, const std::string& target) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  pod::json::Value out{{"file", file}};
  try {
    const document::Graph graph = document::read_pickle(std::move(bytes), file);
    out["globals"] = globals_of(graph);
    out["digest"] = document::canonical_digest(graph);
    out["trailing"] = graph.file().size() - graph.end();
    if (target.empty()) return out;
    try {
      std::ofstream(target, std::ios::binary) << document::write_pickle(graph);
    } catch (const pod::Error& error) {
      out["refused"] = error.causes().empty() ? error.message() : error.causes().front();
    }
  } catch (const pod::Error& error) {
    out["error"] = error.message();
  }
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  std::string file;
  for (int number = 0; std::getline(std::cin, file); ++number)
    std::cout << pod::json::canonical(answer(file, count > 1 ? arguments[1] + ("/" + std::to_string(number)) : ""));
}
