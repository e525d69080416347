#include "store/undo_refs.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

namespace pod::store {
namespace {

constexpr std::string_view kept = "refs/pod/journal/";
constexpr std::string_view saved = "refs/pod/undo/";

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<git::Ref> due_undo_refs(const git::Repository& repository, const Journal& journal, std::int64_t keep,
                                    const Context& context) {
  std::vector<Operation> operations;
  try {
    operations = journal.read();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    context.progress->warn("the journal is damaged, so what it keeps for undo stays: " + error.message());
    return {};
  }
  std::unordered_map<std::int64_t, std::int64_t> times;
  for (const Operation& operation : operations) times.emplace(operation.id, operation.time.seconds);
  const std::int64_t newest = operations.empty() ? 0 : operations.back().id;
  const Oid needed = operations.empty() ? Oid() : operations.back().before;

  std::vector<git::Ref> due;
  const std::int64_t now = context.clock->now().seconds;
  for (const git::Ref& ref : repository.refs("refs/pod/")) {
    std::optional<std::int64_t> time;
    if (ref.name.starts_with(kept)) {
      const auto id = number_of(std::string_view(ref.name).substr(kept.size()));
      if (const auto known = id && *id != newest ? times.find(*id) : times.end(); known != times.end())
        time = known->second;
    } else if (ref.name.starts_with(saved)) {
      time = repository.commit(ref.target).committer.time.seconds;
    }
    if (!time || ref.target == needed) continue;
    if (*time + keep <= now) due.push_back(ref);
  }
  return due;
}

}  // namespace pod::store
