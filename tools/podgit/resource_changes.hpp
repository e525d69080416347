// How differences in resources are shown: each with its fields, or a line a service.
#pragma once

#include "envelope.hpp"
#include "session.hpp"

#include <libpod/resources.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace podgit {

struct ChangeTally {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t changed = 0;
  std::uint64_t elsewhere = 0;  // files that differ outside of every resource

  std::uint64_t resources() const { return added + removed + changed; }
};

struct ServiceChange {
  std::string service;
  ChangeTally tally;
};

/// Sorted by service.
std::vector<ServiceChange> by_service(const pod::ResourceDiff& difference);
ChangeTally tally_of(const pod::ResourceDiff& difference);
/// "3 resources: 1 added, 2 changed; 1 file elsewhere", "no differences".
std::string tally_text(const ChangeTally& tally);
Json json_of(const ServiceChange& change);
Json json_of(const ChangeTally& tally);

/// Under a line for each service its resources: "+ queue orders", "~ queue orders" with fields, "- queue orders".
void print_resource_changes(Session& session, const pod::ResourceDiff& difference);
/// A line a service, then the sum where there is more than one.
void print_resource_summary(Session& session, const pod::ResourceDiff& difference, std::string_view indent = "");

}  // namespace podgit
