// How the verdict on state files is shown.
#pragma once

#include "session.hpp"

#include <libpod/resources.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace podgit {

struct VerdictCounts {
  std::uint64_t accepted = 0;
  std::uint64_t to_review = 0;
  std::uint64_t refused = 0;

  pod::Verdict worst() const;
};

VerdictCounts count_verdicts(const std::vector<pod::Judgement>& judgements);
VerdictCounts count_verdicts(const pod::Inventory& inventory);
/// "3 files: 2 accept, 1 review"
std::string verdict_counts_text(const VerdictCounts& counts);
std::string painted_verdict(const Session& session, pod::Verdict verdict);

/// A line a file, below it each concern with its place and what stands there. `all`: also what is accepted.
void print_judgements(Session& session, const std::vector<pod::Judgement>& judgements, bool all);
/// A note on standard error where not every state file is accepted, and what to do about it.
void note_verdict(Session& session, const pod::Inventory& inventory, const std::string& reference);

}  // namespace podgit
