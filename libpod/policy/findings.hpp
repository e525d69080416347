// What a judge found: the worst first, each reason once, however often it occurs. Bounded whatever the file holds.
#pragma once

#include "document/graph.hpp"
#include "document/pickle.hpp"

#include <libpod/resources.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace pod::policy {

class Findings {
 public:
  explicit Findings(std::size_t most) : most_(most) {}

  /// Of two reasons of one verdict the heavier one is shown first.
  enum class Weight : std::uint8_t { a_class, a_rule, a_call, code };
  void add(Verdict verdict, document::Value node, std::string reason, Weight weight = Weight::a_rule);
  Verdict verdict() const noexcept { return verdict_; }
  bool empty() const noexcept { return refused_.empty() && reviewed_.empty(); }
  /// Nothing that is found from now on would be shown, or make the verdict worse.
  bool full() const noexcept { return verdict_ == Verdict::refuse && (refused_.size() >= most_ || added_ > 100'000); }

  /// With path and disassembly. Cost: a tree of the graph, and a few walks over it.
  std::vector<Concern> concerns(const document::Graph& graph, bool is_pickle);

 private:
  struct Finding {
    document::Value node;
    std::string reason;
    Weight weight;
    std::uint64_t count = 1;
  };

  std::size_t most_;
  Verdict verdict_ = Verdict::accept;
  std::uint64_t added_ = 0;
  std::uint64_t left_out_ = 0;
  std::vector<Finding> refused_;
  std::vector<Finding> reviewed_;
};

/// "12: SHORT_BINUNICODE 'os'"
std::string line_of(const document::Instruction& instruction);

/// A few lines up to the instruction at `offset`, from `first` on where that is near, and what follows.
std::vector<std::string> disassembly_around(std::string_view file, std::uint64_t first, std::uint64_t offset);

}  // namespace pod::policy
