#include "flow/instance_archive.hpp"

#include "archive/archive.hpp"
#include "flow/progress_step.hpp"
#include "flow/service_choice.hpp"
#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/error.hpp>

#include <functional>

namespace pod::flow {
namespace {

std::string describe(const Emulator& emulator) {
  std::string out = emulator.name.empty() ? "an unknown emulator" : printable(emulator.name);
  if (!emulator.version.empty()) out += " " + printable(emulator.version);
  return out;
}

}  // namespace

void write_instance_archive(const Snapshot& snapshot, const SnapshotInfo& info, const Trust& trust,
                            const std::filesystem::path& file, const Context& context) {
  archive::Writer writer(file, archive::Format::zip, context);
  writer.add(StatePath::parse(".pod/info.json"), snapshot::encode_info(info));
  std::vector<FileEntry> files = snapshot.files();
  std::erase_if(files, std::not_fn(files_of(info)));
  std::uint64_t total = 0;
  for (const FileEntry& entry : files) total += entry.size;
  ProgressStep step(context, "checking the version", total);
  for (const FileEntry& entry : files) {
    context.cancel->check();
    const auto content = snapshot.view().open(entry);
    post_file(entry.path, entry.size, *content, trust,
              [&](std::uint64_t size, base::ByteSource& posted) { writer.add(entry.path, size, posted); });
    step.advance(entry.size);
  }
  writer.finish();
}

void require_match(const SnapshotInfo& info, const InstanceStatus& status, const std::string& name,
                   const Context& context) {
  if (info.emulator.name.empty()) {
    context.progress->warn(quote(name) + " does not say which emulator wrote it; it is taken for one of " +
                           describe(status.emulator));
    return;
  }
  const bool same_emulator =
      info.emulator.name == status.emulator.name && info.emulator.version == status.emulator.version;
  // An emulator with endpoints of its own has no number for the format.
  const bool same_format = status.format == 0 || info.format == status.format;
  if (same_emulator && same_format) return;
  Error error(ErrorCode::incompatible, quote(name) + " does not fit the instance");
  if (!same_emulator)
    error.because("the state was written by " + describe(info.emulator) + ", the instance is " +
                  describe(status.emulator));
  if (!same_format)
    error.because("the state has format " + std::to_string(info.format) + ", the instance takes " +
                  std::to_string(status.format));
  error.keeping("the instance was not changed");
  error.hint("start the emulator that wrote it, or try it anyway with --force");
  throw error;
}

void require_instance(const Source& target) {
  if (target.is_instance()) return;
  throw Error(ErrorCode::invalid_argument, quote(target.display()) + " is not a running instance")
      .hint("give a URL such as http://localhost:4566");
}

void require_injectable(const Source& target, Strategy strategy) {
  require_instance(target);
  if (strategy == Strategy::overwrite || strategy == Strategy::account_region_merge) return;
  throw Error(ErrorCode::unsupported, "the strategy " + quote(strategy_name(strategy)) + " is not supported yet")
      .keeping("the instance was not changed")
      .hint("use overwrite or account-region-merge");
}

}  // namespace pod::flow
