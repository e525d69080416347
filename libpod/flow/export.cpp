#include "archive/archive.hpp"
#include "flow/instance_archive.hpp"
#include "flow/output_file.hpp"
#include "instance/http_instance.hpp"
#include "snapshot/archived.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

namespace pod {
namespace {

/// The same entries in the format that the name asks for.
std::filesystem::path rewritten(const std::filesystem::path& from, const std::filesystem::path& to,
                                archive::Format format, const Context& context) {
  archive::Reader reader(from, {}, context);
  archive::Writer writer(to, format, context);
  for (const archive::Entry& entry : reader.entries())
    if (entry.folder) writer.add_folder(entry.path, entry.mode);
  reader.for_each([&](const archive::Entry& entry, base::ByteSource& content) {
    context.cancel->check();
    writer.add(entry.path, entry.size, content, entry.mode);
  });
  writer.finish();
  return to;
}

}  // namespace

ArchiveResult export_version(const Store& store, const PodRef& ref, const std::filesystem::path& file, bool force,
                             const Context& context) {
  const Version version = store.resolve(ref);
  const Snapshot snapshot = store.snapshot(version);
  flow::OutputFile output(file, force);
  archive::Writer writer(output.temporary(), archive::format_for(file), context);
  ArchiveResult result;
  result.path = file;
  result.files = snapshot::write_archive(
      snapshot.view(), writer, {.name = version.pod ? version.pod->str() : version.commit.hex()},
      [](const FileEntry&) { return true; }, context);
  writer.finish();
  context.cancel->check();
  result.bytes = output.publish(output.temporary());
  return result;
}

ArchiveResult export_state(const Source& source, const std::vector<std::string>& services,
                           const std::filesystem::path& file, bool force, const Context& context) {
  flow::require_instance(source);
  flow::OutputFile output(file, force);
  instance::HttpInstance instance(source, context);
  const instance::Capture capture = instance.capture(services, {}, output.folder());
  ArchiveResult result;
  result.path = file;
  result.files = capture.entries.size();
  result.failed = capture.info.failed;
  const archive::Format format = archive::format_for(file);
  const std::filesystem::path whole = format == archive::Format::zip
                                          ? capture.archive
                                          : rewritten(capture.archive, output.temporary(), format, context);
  context.cancel->check();
  result.bytes = output.publish(whole);
  return result;
}

}  // namespace pod
