#include "store/versions.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "store/message.hpp"
#include "store/numbers.hpp"

#include <algorithm>

namespace pod::store {
namespace {

constexpr std::string_view branches = "refs/heads/";

std::optional<PodName> pod_of(std::string_view ref) {
  try {
    return PodName::parse(ref.substr(branches.size()));
  } catch (const Error&) {
    return std::nullopt;  // a branch that stock git made
  }
}

/// Number of single-character edits between two names.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] =
          std::min({row[j] + 1, row[j - 1] + 1, diagonal + (base::lower(a[i - 1]) == base::lower(b[j - 1]) ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string nearest(const git::Repository& repository, const std::string& name) {
  std::vector<std::pair<std::size_t, std::string>> close;
  const auto names = pod_names(repository);
  for (const PodName& pod : names)
    if (const auto edits = distance(name, pod.str()); edits <= 2 + name.size() / 8)
      close.emplace_back(edits, pod.str());
  std::sort(close.begin(), close.end());
  if (names.empty()) return "there are no pods yet; podgit commit makes one";
  if (close.empty()) return "podgit list shows the pods there are";
  std::string text = "did you mean " + quote(close[0].second);
  for (std::size_t i = 1; i < std::min<std::size_t>(close.size(), 3); ++i) text += " or " + quote(close[i].second);
  return text;
}

std::string ref_name(const PodRef& ref) {
  return ref.remote() ? "refs/remotes/" + *ref.remote() + "/" + ref.pod().str() : ref.pod().branch();
}

constexpr std::size_t near = 64;            // versions back from the latest that are walked
constexpr std::size_t worth_writing = 256;  // versions that the sidecar does not know

/// Every version along first parents, oldest first: as far as the sidecar knows them, without reading them.
std::vector<NumberedCommit> chain_of(const git::Repository& repository, const std::string& ref, const Version& latest,
                                     bool believe = true) {
  NumberIndex index(repository.path(), ref);
  std::size_t known = 0;
  std::vector<NumberedCommit> newer;
  bool cut = false;  // what may come behind it later would not be in the sidecar
  walk(repository, latest, [&](const Version& version) {
    const NumberedCommit here{version.number, version.commit};
    cut = version.cut;
    known = believe ? index.up_to(here) : 0;
    if (known == 0) newer.push_back(here);
    return known == 0;
  });
  index.extend(known, newer);
  if (!cut && (!believe || newer.size() >= worth_writing)) index.save();
  return index.commits();
}

const NumberedCommit* find_in(const std::vector<NumberedCommit>& chain, const PodRef& ref) {
  if (ref.kind() == PodRef::Kind::back) {
    const auto steps = static_cast<std::uint64_t>(ref.number());
    return steps < chain.size() ? &chain[chain.size() - 1 - steps] : nullptr;
  }
  const auto found =
      std::find_if(chain.rbegin(), chain.rend(), [&](const auto& entry) { return entry.number == ref.number(); });
  return found != chain.rend() ? &*found : nullptr;
}

/// Far behind the latest version.
std::optional<Version> find_far(const git::Repository& repository, const PodRef& ref, const Version& latest) {
  for (const bool believe : {true, false}) {
    const std::vector<NumberedCommit> chain = chain_of(repository, ref_name(ref), latest, believe);
    const NumberedCommit* entry = find_in(chain, ref);
    if (entry == nullptr) return std::nullopt;
    try {
      Version version = load_version(repository, ref.pod(), entry->commit);
      if (version.number == entry->number) return version;
    } catch (const Error& error) {
      if (!believe || error.code() != ErrorCode::corrupt) throw;
    }
    // The sidecar does not tell the truth.
  }
  return std::nullopt;
}

}  // namespace

Version load_version(const git::Repository& repository, const std::optional<PodName>& pod, const Oid& commit) {
  git::Commit found;
  try {
    found = repository.commit(commit);
  } catch (Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    Error missing(ErrorCode::corrupt,
                  pod ? "pod " + quote(pod->str()) + " names a version that is not there" : "a version is not there");
    throw missing.because(error.message()).hint("podgit fsck says what can be done");
  }
  return version_of(pod, commit, std::move(found));
}

Version version_of(const std::optional<PodName>& pod, const Oid& commit, git::Commit found) {
  Words words = split_message(found.message);
  Version version;
  version.pod = pod;
  version.number = words.number;
  version.commit = commit;
  version.tree = found.tree;
  version.parents = std::move(found.parents);
  version.cut = found.cut;
  version.time = found.author.time;
  version.author = {found.author.name, found.author.email};
  version.message = std::move(words.text);
  return version;
}

std::optional<Version> find_latest(const git::Repository& repository, const PodName& pod) {
  const auto tip = repository.find_ref(pod.branch());
  if (!tip) return std::nullopt;
  return load_version(repository, pod, *tip);
}

std::optional<Version> find_version(const git::Repository& repository, const PodRef& ref) {
  if (ref.kind() == PodRef::Kind::revision) {
    const auto commit = repository.find_revision(ref.revision());
    if (!commit) return std::nullopt;
    return load_version(repository, std::nullopt, *commit);
  }
  const auto tip = repository.find_ref(ref_name(ref));
  if (!tip) return std::nullopt;
  Version latest = load_version(repository, ref.pod(), *tip);
  if (ref.kind() == PodRef::Kind::latest) return latest;
  std::optional<Version> found;
  std::size_t steps = 0;
  bool past = false;
  walk(repository, latest, [&](const Version& version) {
    const bool here = ref.kind() == PodRef::Kind::back ? static_cast<std::int64_t>(steps) == ref.number()
                                                       : version.number == ref.number();
    if (here) found = version;
    // Numbers only fall along first parents.
    past = ref.kind() == PodRef::Kind::version && version.number != 0 && version.number < ref.number();
    return !here && !past && ++steps < near;
  });
  if (found || past || steps < near) return found;
  return find_far(repository, ref, latest);
}

void throw_missing(const git::Repository& repository, const PodRef& ref) {
  if (ref.kind() == PodRef::Kind::revision)
    throw Error(ErrorCode::not_found, "nothing in the store matches the git revision " + quote(ref.revision()));
  const std::string name = (ref.remote() ? *ref.remote() + "/" : std::string()) + ref.pod().str();
  const auto tip = repository.find_ref(ref_name(ref));
  if (!tip) throw Error(ErrorCode::not_found, "no pod " + quote(name)).hint(nearest(repository, ref.pod().str()));
  const auto chain = chain_of(repository, ref_name(ref), load_version(repository, ref.pod(), *tip));
  const std::int64_t highest = chain.back().number;
  const std::int64_t lowest = chain.front().number;
  const std::size_t count = chain.size();
  const std::string range = count == 1 ? "version " + std::to_string(highest)
                                       : "versions " + std::to_string(lowest) + " to " + std::to_string(highest);
  Error error(ErrorCode::not_found, "no version " + quote(ref.str()));
  if (repository.commit(chain.front().commit).cut && (ref.kind() == PodRef::Kind::back || ref.number() < lowest))
    throw error.because("older ones than " + std::to_string(lowest) + " are not in this store")
        .hint("podgit fetch --unshallow " + ref.pod().str() + " brings them");
  throw error.hint("pod " + quote(name) + " has " + range);
}

void walk(const git::Repository& repository, Version version, const std::function<bool(const Version&)>& visit) {
  while (visit(version) && !version.parents.empty())
    version = load_version(repository, version.pod, version.parents.front());
}

void note_numbers(const git::Repository& repository, const Version& latest) noexcept {
  try {
    if (latest.pod) chain_of(repository, latest.pod->branch(), latest);
  } catch (const std::exception&) {
    // The next lookup walks, and says what is wrong.
  }
}

std::int64_t next_number(const git::Repository& repository, const std::optional<Version>& parent) {
  std::int64_t number = 0;
  if (parent)
    walk(repository, *parent, [&](const Version& version) {
      number = version.number;
      return number == 0;
    });
  return number + 1;
}

void refuse_case_twin(const git::Repository& repository, const PodName& pod) {
  for (const PodName& other : pod_names(repository))
    if (other != pod && base::lower(other.str()) == base::lower(pod.str()))
      throw Error(ErrorCode::already_exists, "there is a pod " + quote(other.str()) + ", which differs from " +
                                                 quote(pod.str()) + " in case alone")
          .hint("use that name, or choose another one");
}

std::vector<PodName> pod_names(const git::Repository& repository) {
  std::vector<PodName> names;
  const auto add = [&](std::string_view ref) {
    if (auto pod = pod_of(ref)) names.push_back(*std::move(pod));
  };
  for (const git::Ref& ref : repository.refs(branches, [&](const std::string& broken) { add(broken); })) add(ref.name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pod::store
