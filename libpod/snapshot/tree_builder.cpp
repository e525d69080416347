#include "snapshot/tree_builder.hpp"

#include <libpod/error.hpp>

#include "digest/digest.hpp"
#include "git/repository.hpp"
#include "json/json.hpp"
#include "snapshot/chunk_cutter.hpp"
#include "snapshot/chunk_tree.hpp"
#include "snapshot/tree_names.hpp"

#include <algorithm>
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
  std::uint64_t size = 0;

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

void check_digest(const StatePath& path, const std::string& digest, const std::optional<std::string>& promised,
                  const std::optional<std::string>& given) {
  if (digest == promised.value_or(digest) && digest == given.value_or(digest)) return;
  throw Error(ErrorCode::corrupt, "content of " + quote(path.str()) + " does not match its digest")
      .because("its SHA-256 is " + digest);
}

/// At most `size` bytes: a small file in one step, a large one as it comes.
std::string read_file(base::ByteSource& source, std::uint64_t size) {
  if (size >= chunked_size) return base::read_all(source, size);
  std::string file(static_cast<std::size_t>(size) + 1, '\0');
  file.resize(base::read_fully(source, std::as_writable_bytes(std::span(file))));
  return file;
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
  std::string clear_folder;  // with a slash; no part of it is a file. "" for none that was looked at

  bool something_below(std::string_view folder) const {
    const std::string prefix = std::string(folder) + '/';
    const auto place = leaves.lower_bound(prefix);
    if (place != leaves.end() && place->first.starts_with(prefix)) return true;
    const auto other = empty.lower_bound(prefix);
    return other != empty.end() && other->starts_with(prefix);
  }

  /// Throws where `name` cannot stand beside what is there.
  void check_place(const StatePath& path, std::string_view name, bool folder) {
    const auto clash = [&](const char* why) {
      throw Error(ErrorCode::invalid_argument, "path " + quote(path.str()) + " " + why);
    };
    // Most come in their order: then nothing of the kind is there.
    const bool last = !leaves.empty() && leaves.rbegin()->first < name;
    if (!last && leaves.contains(name)) clash(folder ? "is both a file and a folder" : "is there twice");
    if (!folder && (!last || !empty.empty()) && (something_below(name) || empty.contains(name)))
      clash("is both a file and a folder");
    auto slash = name.rfind('/');
    const std::string_view above = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash + 1);
    if (above == clear_folder) return;
    for (; slash != std::string_view::npos && slash > 0; slash = name.rfind('/', slash - 1))
      if (leaves.contains(name.substr(0, slash))) clash("lies below a file");
    clear_folder = above;
  }

  git::TreeEntry add(std::string name, const Leaf& leaf) {
    bytes += leaf.size;
    state.reset();
    if (clear_folder.starts_with(name) && clear_folder[name.size()] == '/') clear_folder.clear();
    leaves.emplace_hint(leaves.end(), std::move(name), leaf);
    git::TreeEntry entry = leaf.entry("");
    entry.name.clear();
    return entry;
  }

  /// The name in the tree of a file that is to be added.
  std::string place_for(const StatePath& path, std::uint64_t size) {
    std::string name = escape_path(path);
    check_place(path, name, false);
    if (leaves.size() >= file_limit)
      throw Error(ErrorCode::refused, "more than " + std::to_string(file_limit) + " files in one version");
    if (size > size_limit)
      throw Error(ErrorCode::refused, "file " + quote(path.str()) + " has " + std::to_string(size) +
                                          " bytes, more than " + std::to_string(size_limit));
    return name;
  }

  /// A wanted file, whole.
  git::TreeEntry add_held(const StatePath& path, std::string file, unsigned mode,
                          const std::optional<std::string>& sha256) {
    std::string name = place_for(path, file.size());
    const auto promised = promised_digest(path);
    if (promised || sha256) check_digest(path, digest::hex(digest::sha256(file)), promised, sha256);
    Leaf leaf{{}, (mode & 0100) != 0};
    store(leaf, intake.take(path, std::move(file)));
    return add(std::move(name), leaf);
  }

  void store(Leaf& leaf, std::uint64_t size, base::ByteSource& source) {
    leaf.chunked = size >= chunked_size;
    leaf.size = size;
    leaf.id = leaf.chunked ? write_chunks(pack, size, source, leaf.executable) : pack.add_blob(size, source);
  }
  void store(Leaf& leaf, std::string_view content) {
    leaf.chunked = content.size() >= chunked_size;
    leaf.size = content.size();
    if (leaf.chunked) {
      base::MemorySource source(content);
      leaf.id = write_chunks(pack, content.size(), source, leaf.executable);
    } else {
      leaf.id = add_text(content);
    }
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
  const Intake& intake = impl_->intake;
  const bool wanted = intake.wants && intake.wants(path);
  if (wanted && size <= intake.limit) {
    std::string file = read_file(source, size);
    if (file.size() != size)
      throw Error(ErrorCode::corrupt, "content of " + quote(path.str()) + " has " + std::to_string(file.size()) +
                                          " bytes in place of " + std::to_string(size));
    return impl_->add_held(path, std::move(file), mode, sha256);
  }
  std::string name = impl_->place_for(path, size);
  const auto promised = promised_digest(path);
  Leaf leaf{{}, (mode & 0100) != 0};
  if (wanted || promised || sha256) {
    HashingSource hashing(source);
    impl_->store(leaf, size, hashing);
    const std::string digest = hashing.finish();
    check_digest(path, digest, promised, sha256);
    if (wanted) intake.passed(path, size, digest);
  } else {
    impl_->store(leaf, size, source);
  }
  return impl_->add(std::move(name), leaf);
}

git::TreeEntry TreeBuilder::add_file(const StatePath& path, std::string_view content, unsigned mode) {
  const Intake& intake = impl_->intake;
  const bool wanted = intake.wants && intake.wants(path);
  if (wanted && content.size() <= intake.limit) return impl_->add_held(path, std::string(content), mode, std::nullopt);
  if (wanted || promised_digest(path)) {
    base::MemorySource source(content);
    return add_file(path, content.size(), source, mode);
  }
  std::string name = impl_->place_for(path, content.size());
  Leaf leaf{{}, (mode & 0100) != 0};
  impl_->store(leaf, content);
  return impl_->add(std::move(name), leaf);
}

void TreeBuilder::add_existing(const FileEntry& file) {
  std::string name = impl_->place_for(file.path, 0);
  impl_->add(std::move(name), {file.id, (file.mode & 0100) != 0, file.chunked, file.size});
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

std::vector<FileEntry> TreeBuilder::entries() const {
  std::vector<FileEntry> entries;
  entries.reserve(impl_->leaves.size());
  for (const auto& [name, leaf] : impl_->leaves)
    entries.push_back({unescape_path(name).value(), leaf.size, leaf.id, leaf.executable ? 0755u : 0644u, leaf.chunked});
  std::sort(entries.begin(), entries.end(), [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  return entries;
}

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
