// `.pod/info.json`: what a snapshot says of itself.
//
//   {"emulator":{"name":"moto","python":"3.11","version":"5.2.1"},"format":1,
//    "services":{"captured":["s3"],"empty":["sqs"],"failed":[{"reason":"…","service":"kms"}]}}
//
// Canonical JSON, lists sorted and without repetition, so that the order of capture leaves no trace.

#include "snapshot/tree_builder.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "json/json.hpp"

#include <algorithm>

namespace pod::snapshot {
namespace {

bool is_service_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && base::is_alnum(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return base::is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<ServiceFailure> sorted(std::vector<ServiceFailure> failures) {
  std::stable_sort(failures.begin(), failures.end(),
                   [](const auto& a, const auto& b) { return a.service < b.service; });
  const auto same = [](const auto& a, const auto& b) { return a.service == b.service; };
  failures.erase(std::unique(failures.begin(), failures.end(), same), failures.end());
  return failures;
}

std::vector<std::string> checked_services(std::vector<std::string> names, std::string_view what) {
  for (const std::string& name : names)
    if (!is_service_name(name)) throw Error(ErrorCode::corrupt, quote(what) + " names a service " + quote(name));
  return sorted(std::move(names));
}

}  // namespace

std::string encode_info(const SnapshotInfo& info) {
  json::Value failed = json::Value::array();
  for (const ServiceFailure& failure : sorted(info.failed))
    failed.push_back({{"service", printable(failure.service)}, {"reason", printable(failure.reason)}});
  json::Value value = {
      {"format", info.format},
      {"emulator",
       {{"name", printable(info.emulator.name)},
        {"version", printable(info.emulator.version)},
        {"python", printable(info.emulator.python)}}},
      {"services",
       {{"captured", sorted(info.captured)}, {"empty", sorted(info.empty)}, {"failed", std::move(failed)}}}};
  return json::canonical(value);
}

SnapshotInfo parse_info(std::string_view bytes, std::string_view what) {
  const json::Value value = json::parse(bytes, what);
  SnapshotInfo info;
  const std::int64_t format = json::integer_member(value, "format", what);
  if (format < 1) throw Error(ErrorCode::corrupt, quote(what) + " has the format " + std::to_string(format));
  if (format > info.format)
    throw Error(ErrorCode::incompatible, quote(what) + " has the format " + std::to_string(format) + ", newer than " +
                                             std::to_string(info.format))
        .hint("use a newer podgit");
  const json::Value& emulator = json::object_member(value, "emulator", what);
  info.emulator = {json::find_string(emulator, "name").value_or(""),
                   json::find_string(emulator, "version").value_or(""),
                   json::find_string(emulator, "python").value_or("")};
  const json::Value& services = json::object_member(value, "services", what);
  info.captured = checked_services(json::strings_member(services, "captured", what), what);
  info.empty = checked_services(json::strings_member(services, "empty", what), what);
  for (const json::Value& failure : json::array_member(services, "failed", what))
    info.failed.push_back(
        {json::string_member(failure, "service", what), json::string_member(failure, "reason", what)});
  info.failed = sorted(std::move(info.failed));
  return info;
}

}  // namespace pod::snapshot
