#include "snapshot/tree_builder.hpp"

#include <libpod/error.hpp>

#include "digest/digest.hpp"
#include "git/repository.hpp"
#include "json/json.hpp"
#include "snapshot/chunk_cutter.hpp"
#include "snapshot/chunk_tree.hpp"
#include "snapshot/tree_names.hpp"

#include <map>
#include <set>
#include <utility>

namespace pod::snapshot {
namespace {

constexpr std::uint64_t file_limit = 1'000'000;
constexpr std::uint64_t size_limit = 16ull << 30;

struct Leaf {
  Oid id;
  bool executable = false;
  bool chunked = false;

  git::TreeEntry entry(std::string name) const {
    if (chunked) return {std::move(name) + std::string(chunks_suffix), 040000, id};
    return {std::move(name), executable ? 0100755u : 0100644u, id};
  }
};

/// The digest that a path promises: `assets/<service>/blobs/<xx>/<sha256>`.
std::optional<std::string> promised_digest(const StatePath& path) {
  const auto parts = path.components();
  if (parts.size() != 5 || parts[0] != "assets" || parts[2] != "blobs") return std::nullopt;
  if (!digest::is_sha256_hex(parts[4]) || !parts[4].starts_with(parts[3]) || parts[3].size() != 2) return std::nullopt;
  return std::string(parts[4]);
}

class HashingSource final : public base::ByteSource {
 public:
  explicit HashingSource(base::ByteSource& inner) : inner_(inner) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const std::size_t count = inner_.read(buffer);
    hash_.update(base::ConstBytes(buffer.first(count)));
    return count;
  }
  std::string finish() { return digest::hex(hash_.finish()); }

 private:
  base::ByteSource& inner_;
  digest::Sha256 hash_;
};

using Leaves = std::map<std::string, Leaf, std::less<>>;

constexpr std::string_view own_prefix = ".pod/";

}  // namespace

struct TreeBuilder::Impl {
  Impl(git::PackWriter& writer, Intake hooks) : pack(writer), intake(std::move(hooks)) {}

  git::PackWriter& pack;
  Intake intake;
  /// By the path as it stands in the tree. In the order of bytes the entries of a folder lie together.
  Leaves leaves;
  Leaves own;  // without the prefix
  std::set<std::string, std::less<>> empty;
  std::uint64_t bytes = 0;
  std::optional<Oid> state;

  bool something_below(std::string_view folder) const {
    const std::string prefix = std::string(folder) + '/';
    const auto place = leaves.lower_bound(prefix);
    if (place != leaves.end() && place->first.starts_with(prefix)) return true;
    const auto other = empty.lower_bound(prefix);
    return other != empty.end() && other->starts_with(prefix);
  }

  /// Throws where `name` cannot stand beside what is there.
  void check_place(const StatePath& path, std::string_view name, bool folder) const {
    const auto clash = [&](const char* why) {
      throw Error(ErrorCode::invalid_argument, "path " + quote(path.str()) + " " + why);
    };
    if (leaves.contains(name)) clash(folder ? "is both a file and a folder" : "is there twice");
    if (!folder && (something_below(name) || empty.contains(name))) clash("is both a file and a folder");
    for (auto slash = name.rfind('/'); slash != std::string_view::npos && slash > 0; slash = name.rfind('/', slash - 1))
      if (leaves.contains(name.substr(0, slash))) clash("lies below a file");
  }

  void add(std::string name, const Leaf& leaf) {
    leaves.emplace(std::move(name), leaf);
    state.reset();
  }

  void check_room() const {
    if (leaves.size() >= file_limit)
      throw Error(ErrorCode::refused, "more than " + std::to_string(file_limit) + " files in one version");
  }

  void store(Leaf& leaf, std::uint64_t size, base::ByteSource& source) {
    leaf.chunked = size >= chunked_size;
    leaf.id = leaf.chunked ? write_chunks(pack, size, source, leaf.executable) : pack.add_blob(size, source);
  }
  Oid add_text(std::string_view text) { return pack.add(git::ObjectType::blob, base::bytes_of(text)); }
  std::vector<git::TreeEntry> write_folders(const Leaves& files);
  Oid write_tree(std::vector<git::TreeEntry> entries) {
    return pack.add(git::ObjectType::tree, base::bytes_of(git::encode_tree(std::move(entries))));
  }
};

/// Writes all folders from the leaves up; the entries of the root.
std::vector<git::TreeEntry> TreeBuilder::Impl::write_folders(const Leaves& files) {
  struct Open {
    std::string prefix;  // "" or "a/b/"
    std::vector<git::TreeEntry> entries;
  };
  std::vector<Open> open(1);
  const auto close = [&] {
    Open folder = std::move(open.back());
    open.pop_back();
    const std::string_view parent = open.back().prefix;
    std::string name = folder.prefix.substr(parent.size(), folder.prefix.size() - parent.size() - 1);
    open.back().entries.push_back({std::move(name), 040000, write_tree(std::move(folder.entries))});
  };
  for (const auto& [path, leaf] : files) {
    while (!path.starts_with(open.back().prefix)) close();
    for (auto slash = path.find('/', open.back().prefix.size()); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      open.push_back({path.substr(0, slash + 1), {}});
    open.back().entries.push_back(leaf.entry(path.substr(open.back().prefix.size())));
  }
  while (open.size() > 1) close();
  return std::move(open.front().entries);
}

TreeBuilder::TreeBuilder(git::PackWriter& pack, Intake intake)
    : impl_(std::make_unique<Impl>(pack, std::move(intake))) {}
TreeBuilder::~TreeBuilder() = default;

git::TreeEntry TreeBuilder::add_file(const StatePath& path, std::uint64_t size, base::ByteSource& source, unsigned mode,
                                     const std::optional<std::string>& sha256) {
  std::string name = escape_path(path);
  impl_->check_place(path, name, false);
  impl_->check_room();
  if (size > size_limit)
    throw Error(ErrorCode::refused, "file " + quote(path.str()) + " has " + std::to_string(size) +
                                        " bytes, more than " + std::to_string(size_limit));
  const auto promised = promised_digest(path);
  const Intake& intake = impl_->intake;
  const bool wanted = intake.wants && intake.wants(path);
  Leaf leaf{{}, (mode & 0100) != 0};
  std::string digest;
  const auto check = [&] {
    if (digest == promised.value_or(digest) && digest == sha256.value_or(digest)) return;
    throw Error(ErrorCode::corrupt, "content of " + quote(path.str()) + " does not match its digest")
        .because("its SHA-256 is " + digest);
  };
  if (wanted && size <= intake.limit) {
    std::string file = base::read_all(source, size);
    if (file.size() != size)
      throw Error(ErrorCode::corrupt, "content of " + quote(path.str()) + " has " + std::to_string(file.size()) +
                                          " bytes in place of " + std::to_string(size));
    if (promised || sha256) digest = digest::hex(digest::sha256(file));
    check();
    const std::string stored = intake.take(path, std::move(file));
    size = stored.size();
    base::MemorySource stored_source(stored);
    impl_->store(leaf, size, stored_source);
  } else if (wanted || promised || sha256) {
    HashingSource hashing(source);
    impl_->store(leaf, size, hashing);
    digest = hashing.finish();
    check();
    if (wanted) intake.passed(path, size, digest);
  } else {
    impl_->store(leaf, size, source);
  }
  impl_->bytes += size;
  impl_->add(std::move(name), leaf);
  git::TreeEntry entry = leaf.entry("");
  entry.name.clear();
  return entry;
}

void TreeBuilder::add_existing(const FileEntry& file) {
  std::string name = escape_path(file.path);
  impl_->check_place(file.path, name, false);
  impl_->check_room();
  impl_->bytes += file.size;
  impl_->add(std::move(name), {file.id, (file.mode & 0100) != 0, file.chunked});
}

void TreeBuilder::add_existing(const StatePath& path, std::uint64_t size, const git::TreeEntry& entry) {
  add_existing({path, size, entry.id, entry.mode, entry.is_tree()});
}

void TreeBuilder::add_empty_folder(const StatePath& path) {
  std::string name = escape_path(path);
  impl_->check_place(path, name, true);
  if (impl_->empty.size() >= file_limit)
    throw Error(ErrorCode::refused, "more than " + std::to_string(file_limit) + " empty folders in one version");
  impl_->empty.insert(std::move(name));
}

Oid TreeBuilder::add_own(const StatePath& path, std::string_view content) {
  const Oid blob = impl_->add_text(content);
  add_own_existing(path, blob);
  return blob;
}

void TreeBuilder::add_own_existing(const StatePath& path, const Oid& blob) {
  if (!path.str().starts_with(own_prefix))
    throw Error(ErrorCode::internal, quote(path.str()) + " does not lie below " + quote(own_prefix));
  if (impl_->own.size() >= file_limit)
    throw Error(ErrorCode::refused, "more than " + std::to_string(file_limit) + " files below " + quote(own_prefix));
  impl_->own[escape_path(StatePath::parse(path.str().substr(own_prefix.size())))] = {blob};
}

std::uint64_t TreeBuilder::files() const noexcept { return impl_->leaves.size(); }
std::uint64_t TreeBuilder::bytes() const noexcept { return impl_->bytes; }

Oid TreeBuilder::finish(const SnapshotInfo& info) {
  std::vector<git::TreeEntry> entries = impl_->write_folders(impl_->leaves);
  const std::string state = git::encode_tree(entries);
  impl_->state = digest::Sha1()
                     .update("tree " + std::to_string(state.size()))
                     .update(std::string_view("\0", 1))
                     .update(state)
                     .finish();

  impl_->own["info.json"] = {impl_->add_text(encode_info(info))};
  json::Value empty = json::Value::array();
  for (const std::string& folder : impl_->empty)
    if (!impl_->something_below(folder)) empty.push_back(folder);
  if (!empty.empty())
    impl_->own["files.json"] = {impl_->add_text(json::canonical({{"format", 1}, {"empty", std::move(empty)}}))};
  entries.push_back({".pod", 040000, impl_->write_tree(impl_->write_folders(impl_->own))});
  return impl_->write_tree(std::move(entries));
}

Oid TreeBuilder::state() const {
  if (!impl_->state) throw Error(ErrorCode::internal, "the tree is not finished");
  return *impl_->state;
}

}  // namespace pod::snapshot
