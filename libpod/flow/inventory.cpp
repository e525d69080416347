#include "flow/judging.hpp"
#include "flow/progress_step.hpp"
#include "flow/state_models.hpp"
#include "metamodel/metamodel.hpp"
#include "policy/policy.hpp"
#include "reading/state_file.hpp"
#include "snapshot/workers.hpp"

#include <libpod/error.hpp>
#include <libpod/resources.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod {
namespace {

constexpr std::size_t head_size = 4096;
constexpr std::size_t most_together = 64;
constexpr std::uint64_t enough_bytes = 256 << 10;

std::string head_of(const snapshot::TreeView& view, const FileEntry& file) {
  std::string head(head_size, '\0');
  const auto source = view.open(file);
  head.resize(base::read_fully(*source, std::as_writable_bytes(std::span(head))));
  return head;
}

Judgement judge_file(const snapshot::TreeView& view, const FileEntry& file) {
  std::string head = head_of(view, file);
  if (!policy::needs_whole_file(file.path, head)) return policy::judge(std::move(head), file.path);
  if (file.size < head_size) return policy::judge(std::move(head), file.path);
  if (file.size <= reading::size_limit) return policy::judge(flow::load(view, file), file.path);
  Judgement judgement{.path = file.path, .verdict = Verdict::refuse, .concerns = {}};
  judgement.concerns.push_back({.verdict = Verdict::refuse,
                                .offset = 0,
                                .path = {},
                                .reason = "it has " + std::to_string(file.size) + " bytes: too large to be judged",
                                .disassembly = {}});
  return judgement;
}

std::uint64_t size_of(const std::vector<FileEntry>& files) {
  std::uint64_t total = 0;
  for (const FileEntry& file : files) total += file.size;
  return total;
}

/// What `read` makes of each file, in their order; on all cores, the largest first.
template <class Result, class Read>
std::vector<Result> each_file(const std::vector<FileEntry>& files, std::string_view step_name, const Context& context,
                              const Read& read) {
  std::vector<std::optional<Result>> results(files.size());
  flow::ProgressStep step(context, step_name, size_of(files));
  std::vector<std::size_t> order(files.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return files[a].size > files[b].size; });
  snapshot::Workers workers;
  // Small files together: to hand one over takes longer than to read it.
  for (std::size_t next = 0; next < order.size();) {
    const std::size_t first = next;
    for (std::uint64_t bytes = 0; next < order.size() && next - first < most_together && bytes < enough_bytes; ++next)
      bytes += files[order[next]].size;
    workers.add([&, first, last = next] {
      for (std::size_t at = first; at < last; ++at) {
        context.cancel->check();
        const std::size_t i = order[at];
        results[i] = read(files[i]);
        step.advance(files[i].size);
      }
    });
  }
  workers.finish();
  std::vector<Result> out;
  out.reserve(results.size());
  for (std::optional<Result>& result : results) out.push_back(*std::move(result));
  return out;
}

}  // namespace

Inventory inventory(const Snapshot& snapshot, const Context& context) {
  Inventory out;
  std::map<std::string, AssetSummary> assets;
  std::vector<FileEntry> state_files;
  for (FileEntry& file : snapshot.files()) {
    if (reading::is_state_file(file.path)) {
      state_files.push_back(std::move(file));
    } else if (policy::role_of(file.path) == policy::Role::asset) {
      const std::string service = metamodel::place_of(file.path).service;
      AssetSummary& summary = assets[service];
      summary.service = service;
      ++summary.files;
      summary.bytes += file.size;
    }
  }
  out.files = each_file<StateReading>(state_files, "reading", context,
                                      [&](const FileEntry& file) { return flow::reading_of(snapshot.view(), file); });
  for (auto& [service, summary] : assets) out.assets.push_back(std::move(summary));
  return out;
}

std::vector<Judgement> judge(const Snapshot& snapshot, const Context& context) {
  return each_file<Judgement>(snapshot.files(), "judging", context,
                              [&](const FileEntry& file) { return judge_file(snapshot.view(), file); });
}

Verdict flow::worst_verdict(const Snapshot& snapshot, const std::function<bool(const FileEntry&)>& wanted,
                            const Context& context) {
  std::vector<FileEntry> files = snapshot.files();
  std::erase_if(files, [&](const FileEntry& file) { return !wanted(file); });
  Verdict worst = Verdict::accept;
  for (const Judgement& judgement : each_file<Judgement>(
           files, "judging", context, [&](const FileEntry& file) { return judge_file(snapshot.view(), file); }))
    worst = std::max(worst, judgement.verdict);
  return worst;
}

}  // namespace pod
