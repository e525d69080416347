#include "base/files.hpp"
#include "flow/scratch_objects.hpp"
#include "flow/source_tree.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

#include <memory>

namespace pod {
namespace {

/// Nothing: the objects of a snapshot that lies in no store.
class NoObjects final : public git::ObjectDatabase {
 public:
  bool contains(const Oid&) override { return false; }
  bool knows(const Oid&) override { return false; }
  std::optional<git::ObjectHeader> header(const Oid&) override { return std::nullopt; }
  std::optional<std::uint64_t> place(const Oid&) override { return std::nullopt; }
  std::string read(const Oid& id, git::ObjectType, std::uint64_t) override { missing(id); }
  git::Object read_any(const Oid& id, std::uint64_t) override { missing(id); }
  std::unique_ptr<base::ByteSource> stream(const Oid& id) override { missing(id); }
  void refresh() override {}
  void for_each(const std::function<void(const Oid&)>&) override {}
  std::vector<Oid> with_prefix(const Oid&, std::size_t, std::size_t) override { return {}; }
  std::vector<std::string> problems() override { return {}; }

 private:
  [[noreturn]] static void missing(const Oid& id) { throw Error(ErrorCode::corrupt, "there is no object " + id.hex()); }
};

/// A view with the folder that its objects lie in.
struct Kept {
  // Not /tmp, which may be memory. The folder goes last.
  base::TempFolder folder{"/var/tmp", "podgit-"};
  std::unique_ptr<snapshot::TreeView> view;
};

}  // namespace

Snapshot snapshot_of(const Source& source, const std::vector<std::string>& services, const Context& context) {
  const auto kept = std::make_shared<Kept>();
  flow::ScratchObjects scratch(kept->folder.path(), std::make_shared<NoObjects>(), context);
  const flow::SourceTree captured =
      flow::capture_source(source, services, nullptr, kept->folder.path(), scratch.pack(), context);
  kept->view = std::make_unique<snapshot::TreeView>(scratch.finish(), captured.tree);
  return Snapshot(std::shared_ptr<const snapshot::TreeView>(kept, kept->view.get()));
}

}  // namespace pod
