// Commits of the repository as versions of pods.
#pragma once

#include "git/repository.hpp"

#include <libpod/store.hpp>

#include <cstdint>
#include <functional>
#include <optional>

namespace pod::store {

/// Error(corrupt) where the commit is missing or is none.
Version load_version(const git::Repository& repository, const std::optional<PodName>& pod, const Oid& commit);
Version version_of(const std::optional<PodName>& pod, const Oid& commit, git::Commit found);
std::optional<Version> find_latest(const git::Repository& repository, const PodName& pod);
std::optional<Version> find_version(const git::Repository& repository, const PodRef& ref);
/// Error(not_found) that says what there is instead.
[[noreturn]] void throw_missing(const git::Repository& repository, const PodRef& ref);

/// From `version` along first parents, until `visit` returns false.
void walk(const git::Repository& repository, Version version, const std::function<bool(const Version&)>& visit);
/// Writes down the numbers of the versions up to `latest`, where a lookup would walk far: a sidecar, so it never
/// throws. Cost: the versions that are not in it yet.
void note_numbers(const git::Repository& repository, const Version& latest) noexcept;
/// One more than the number of `parent`; where that has none, of the nearest one before it that has.
std::int64_t next_number(const git::Repository& repository, const std::optional<Version>& parent);
/// Error(already_exists) where another pod's name differs from `pod` in case alone.
void refuse_case_twin(const git::Repository& repository, const PodName& pod);
/// The names of pods among the refs, sorted; a ref that cannot be read is among them.
std::vector<PodName> pod_names(const git::Repository& repository);

}  // namespace pod::store
