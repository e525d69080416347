#include "store/model_check.hpp"

#include "metamodel/metamodel.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>

#include <map>
#include <optional>

namespace pod::store {
namespace {

constexpr std::uint64_t model_limit = 64ull << 20;

/// What is wrong with a model, nothing where it is right or of other rules.
std::optional<std::string> problem_of(const std::string& text, const snapshot::TreeView& view, const FileEntry& file) {
  const int rules = metamodel::Rules::built_in().number();
  try {
    if (metamodel::decode(text, file.path).rules != rules) return std::nullopt;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::incompatible) return std::nullopt;  // of a newer podgit
    return "cannot be read: " + error.message();
  }
  // Of a file that is too large to be read it says as little as its own bytes do.
  if (file.size > reading::size_limit) return std::nullopt;
  const auto source = view.open(file);
  const StateReading reading =
      reading::read_state_file(base::read_all(*source, reading::size_limit), file.path).reading;
  if (metamodel::encode(reading, rules) == text) return std::nullopt;
  return "is not what the file says";
}

}  // namespace

std::vector<std::string> ModelCheck::problems(const snapshot::TreeView& view, const Context& context) {
  std::map<std::string, FileEntry> models;
  for (FileEntry& model : view.own_files(StatePath::parse(".pod/metamodel")))
    models.emplace(model.path.str(), std::move(model));
  std::vector<std::string> lines;
  if (models.empty()) return lines;
  for (const FileEntry& file : view.files()) {
    context.cancel->check();
    const auto path = metamodel::model_path(file.path);
    const auto model = path ? models.find(path->str()) : models.end();
    if (model == models.end()) continue;
    if (seen_.insert(model->second.id.hex() + file.id.hex() + file.path.str()).second) {
      const auto text = view.own_file(*path, model_limit);
      if (const auto problem = problem_of(text.value_or(std::string()), view, file))
        lines.push_back("the model of " + quote(file.path.str()) + " " + *problem);
    }
    models.erase(model);
  }
  for (const auto& [path, model] : models) lines.push_back(quote(path) + " is the model of no file");
  return lines;
}

}  // namespace pod::store
