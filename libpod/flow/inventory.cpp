#include "flow/progress_step.hpp"
#include "flow/state_models.hpp"
#include "metamodel/metamodel.hpp"
#include "policy/policy.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>
#include <libpod/resources.hpp>

#include <map>

namespace pod {
namespace {

constexpr std::size_t head_size = 4096;

std::string head_of(const snapshot::TreeView& view, const FileEntry& file) {
  std::string head(head_size, '\0');
  const auto source = view.open(file);
  head.resize(base::read_fully(*source, std::as_writable_bytes(std::span(head))));
  return head;
}

Judgement judge_file(const snapshot::TreeView& view, const FileEntry& file) {
  std::string head = head_of(view, file);
  if (!policy::needs_whole_file(file.path, head)) return policy::judge(std::move(head), file.path);
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

}  // namespace

Inventory inventory(const Snapshot& snapshot, const Context& context) {
  Inventory out;
  std::map<std::string, AssetSummary> assets;
  const std::vector<FileEntry> files = snapshot.files();
  flow::ProgressStep step(context, "reading", size_of(files));
  for (const FileEntry& file : files) {
    context.cancel->check();
    step.advance(file.size);
    if (reading::is_state_file(file.path)) {
      out.files.push_back(flow::reading_of(snapshot.view(), file));
    } else if (policy::role_of(file.path) == policy::Role::asset) {
      const std::string service = metamodel::place_of(file.path).service;
      AssetSummary& summary = assets[service];
      summary.service = service;
      ++summary.files;
      summary.bytes += file.size;
    }
  }
  for (auto& [service, summary] : assets) out.assets.push_back(std::move(summary));
  return out;
}

std::vector<Judgement> judge(const Snapshot& snapshot, const Context& context) {
  std::vector<Judgement> out;
  const std::vector<FileEntry> files = snapshot.files();
  flow::ProgressStep step(context, "judging", size_of(files));
  for (const FileEntry& file : files) {
    context.cancel->check();
    step.advance(file.size);
    out.push_back(judge_file(snapshot.view(), file));
  }
  return out;
}

}  // namespace pod
