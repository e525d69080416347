#include "verdicts.hpp"

#include "measures.hpp"

#include <fmt/format.h>

#include <utility>

namespace podgit {
namespace {

void count(VerdictCounts& counts, pod::Verdict verdict) {
  (verdict == pod::Verdict::accept   ? counts.accepted
   : verdict == pod::Verdict::review ? counts.to_review
                                     : counts.refused) += 1;
}

}  // namespace

pod::Verdict VerdictCounts::worst() const {
  return refused > 0 ? pod::Verdict::refuse : to_review > 0 ? pod::Verdict::review : pod::Verdict::accept;
}

VerdictCounts count_verdicts(const std::vector<pod::Judgement>& judgements) {
  VerdictCounts out;
  for (const pod::Judgement& judgement : judgements) count(out, judgement.verdict);
  return out;
}

VerdictCounts count_verdicts(const pod::Inventory& inventory) {
  VerdictCounts out;
  for (const pod::StateReading& file : inventory.files) count(out, file.verdict);
  return out;
}

std::string verdict_counts_text(const VerdictCounts& counts) {
  std::string text = counted(counts.accepted + counts.to_review + counts.refused, "file");
  std::string_view separator = ": ";
  const auto part = [&](std::uint64_t number, pod::Verdict verdict) {
    if (number > 0) text += fmt::format("{}{} {}", std::exchange(separator, ", "), number, pod::verdict_name(verdict));
  };
  part(counts.accepted, pod::Verdict::accept);
  part(counts.to_review, pod::Verdict::review);
  part(counts.refused, pod::Verdict::refuse);
  return text;
}

std::string painted_verdict(const Session& session, pod::Verdict verdict) {
  const Colour colour = verdict == pod::Verdict::accept   ? Colour::green
                        : verdict == pod::Verdict::review ? Colour::yellow
                                                          : Colour::red;
  return session.paint(pod::verdict_name(verdict), colour);
}

void print_judgements(Session& session, const std::vector<pod::Judgement>& judgements, bool all) {
  Output& out = session.out();
  for (const pod::Judgement& judgement : judgements) {
    if (out.closed()) return;
    if (judgement.verdict == pod::Verdict::accept && !all) continue;
    out.line(fmt::format("{}  {}", painted_verdict(session, judgement.verdict), pod::printable(judgement.path.str())));
    for (const pod::Concern& concern : judgement.concerns) {
      std::string place = fmt::format("offset {}", concern.offset);
      if (!concern.path.empty()) place += fmt::format(", at {}", pod::printable(concern.path));
      out.line(fmt::format("  {}: {}", painted_verdict(session, concern.verdict), pod::printable(concern.reason)));
      out.line(fmt::format("    {}", place));
      for (const std::string& line : concern.disassembly) {
        const bool here = line.starts_with(fmt::format("{}:", concern.offset));
        out.line(session.paint((here ? "    > " : "      ") + pod::printable(line), here ? Colour::bold : Colour::dim));
      }
    }
  }
}

void note_verdict(Session& session, const pod::Inventory& inventory, const std::string& reference) {
  const VerdictCounts counts = count_verdicts(inventory);
  if (counts.worst() == pod::Verdict::accept) return;
  session.warn(fmt::format("verdict: {} ({})", pod::verdict_name(counts.worst()), verdict_counts_text(counts)));
  session.hint(fmt::format("podgit verify {} shows what is questionable", reference));
}

}  // namespace podgit
