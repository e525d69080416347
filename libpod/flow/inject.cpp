#include "flow/instance_archive.hpp"
#include "flow/placing.hpp"
#include "flow/service_choice.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

#include <algorithm>

namespace pod {
namespace {

bool any_failed(const std::vector<ServiceOutcome>& services) {
  return std::any_of(services.begin(), services.end(), [](const ServiceOutcome& outcome) { return !outcome.ok; });
}

}  // namespace

bool InjectResult::partial() const { return any_failed(services); }

InjectResult inject(Store& store, const PodRef& ref, const Source& target, const InjectOptions& options,
                    const Context& context) {
  flow::require_injectable(target, options.strategy);
  InjectResult result;
  result.version = store.resolve(ref);
  result.strategy = options.strategy;
  const std::string name = result.version.str();
  const Snapshot snapshot = store.snapshot(result.version);
  flow::Placing placing{
      .snapshot = snapshot,
      .info = flow::choose_services(snapshot, options.services, name),
      .commit = result.version.commit,
      .version = name,
      .what = name + " → " + target.display(),
      .url = target.display(),
      .strategy = options.strategy,
      .author = options.author,
      .trust = {.name = name, .of_review = options.trust || store.engine().is_own_capture(result.version.commit)},
      .keep_safety_version = options.keep_safety_version};

  instance::HttpInstance instance(target, context);
  const InstanceStatus status = instance.status();
  if (!options.force) flow::require_match(placing.info, status, name, context);
  // What the user was told it is taken for; the instance asks too.
  if (placing.info.emulator.name.empty()) placing.info.emulator = status.emulator;
  if (options.dry_run) {
    result.changes = flow::rehearse(store.engine(), instance, placing, result.services, context);
    return result;
  }
  flow::Placed placed = flow::place(store.engine(), instance, placing, options.force, context);
  result.services = std::move(placed.services);
  result.safety_version = placed.operation && !placed.operation->before.is_zero();
  return result;
}

}  // namespace pod
