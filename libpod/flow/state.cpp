#include "archive/archive.hpp"
#include "base/files.hpp"
#include "flow/instance_archive.hpp"
#include "flow/posted_file.hpp"
#include "instance/http_instance.hpp"
#include "snapshot/archived.hpp"
#include "snapshot/tree_builder.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

namespace pod {

std::vector<ServiceOutcome> import_state(const std::filesystem::path& file, const Source& target, Strategy strategy,
                                         bool force, bool trust, const Context& context) {
  flow::require_injectable(target, strategy);
  // Not the folder of the file, which may be somebody else's; not /tmp, which may be memory.
  const base::TempFolder spool("/var/tmp", "podgit-");
  const auto whole = spool.path() / "import.zip";
  const std::string name = file.filename().string();
  SnapshotInfo info;
  {
    archive::Reader reader(file, {}, context);
    info = snapshot::read_info(reader);
    // Written again entry by entry: each is read to its end and checked, and the instance gets an archive that has only
    // one reading.
    archive::Writer writer(whole, archive::Format::zip, context);
    writer.add(StatePath::parse(".pod/info.json"), snapshot::encode_info(info));
    bool any_state = false;
    reader.for_each([&](const archive::Entry& entry, base::ByteSource& content) {
      context.cancel->check();
      if (entry.path.str().starts_with(".pod/")) return;  // it lists the digests of what was written otherwise
      any_state = any_state || !service_of(entry.path).empty();
      flow::post_file(entry.path, entry.size, content, {.name = file.native(), .of_review = trust},
                      [&](std::uint64_t size, base::ByteSource& posted) { writer.add(entry.path, size, posted); });
    });
    if (!any_state && info.empty.empty())
      throw Error(ErrorCode::incompatible, quote(name) + " holds no state that an instance could take")
          .because("it has no files below api_states/<account>/<service>/<region>/ or assets/<service>/")
          .keeping("the instance was not changed");
    writer.finish();
  }
  instance::HttpInstance instance(target, context);
  const InstanceStatus status = instance.status();
  if (!force) flow::require_match(info, status, name, context);
  return instance.inject(whole, strategy, force, {}, std::nullopt);
}

void reset_state(const Source& target, const std::vector<std::string>& services, const Context& context) {
  flow::require_instance(target);
  instance::HttpInstance(target, context).reset(services);
}

}  // namespace pod
