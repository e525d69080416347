#include "snapshot/archived.hpp"

#include <libpod/error.hpp>

#include "json/json.hpp"
#include "snapshot/beneath.hpp"
#include "snapshot/metadata_yaml.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace pod::snapshot {
namespace {

constexpr std::string_view info_name = ".pod/info.json";
constexpr std::string_view capture_name = ".pod/capture.json";
constexpr std::string_view metadata_name = "metadata.yaml";

bool is_own(const StatePath& path) { return path.str() == ".pod" || path.str().starts_with(".pod/"); }

struct Declared {
  std::uint64_t size = 0;
  std::string sha256;
  bool omitted = false;
};

/// What `.pod/capture.json` says of each entry.
std::optional<std::map<std::string, Declared>> read_capture(archive::Reader& reader) {
  const auto text = reader.read(capture_name, 64ull << 20);
  if (!text) return std::nullopt;
  const json::Value value = json::parse(*text, capture_name);
  std::map<std::string, Declared> entries;
  for (const json::Value& entry : json::array_member(value, "entries", capture_name)) {
    Declared declared{json::size_member(entry, "size", capture_name),
                      json::string_member(entry, "sha256", capture_name),
                      entry.contains("omitted") && json::bool_member(entry, "omitted", capture_name)};
    const std::string path = json::string_member(entry, "path", capture_name);
    if (!entries.emplace(path, std::move(declared)).second)
      throw Error(ErrorCode::corrupt, quote(capture_name) + " names " + quote(path) + " twice");
  }
  return entries;
}

const Declared& declaration_of(const std::map<std::string, Declared>& entries, const archive::Entry& file) {
  const auto place = entries.find(file.path.str());
  if (place == entries.end() || place->second.omitted)
    throw Error(ErrorCode::corrupt,
                "the archive holds " + quote(file.path.str()) + ", which its list of entries does not");
  if (place->second.size != file.size)
    throw Error(ErrorCode::corrupt,
                "size of " + quote(file.path.str()) + " in the archive is not what its list of entries says");
  return place->second;
}

class ProgressSource final : public base::ByteSource {
 public:
  ProgressSource(base::ByteSource& inner, const Context& context) : inner_(inner), context_(context) {}
  std::size_t read(std::span<std::byte> buffer) override {
    context_.cancel->check();
    const std::size_t count = inner_.read(buffer);
    context_.progress->advance(count);
    return count;
  }

 private:
  base::ByteSource& inner_;
  const Context& context_;
};

/// One entry to write.
struct Item {
  enum class Kind { info, metadata, folder, file };
  const StatePath* path;
  const FileEntry* file;  // of a file only
  Kind kind;
};

/// Only the services that are exported.
SnapshotInfo narrowed(SnapshotInfo info, const std::function<bool(const FileEntry&)>& wanted) {
  if (!wanted) return info;
  const auto left_out = [&](const std::string& service) {
    return !wanted({StatePath::parse("api_states/000000000000/" + service + "/global/backend.state")});
  };
  std::erase_if(info.captured, left_out);
  std::erase_if(info.empty, left_out);
  std::erase_if(info.failed, [&](const ServiceFailure& failure) { return left_out(failure.service); });
  return info;
}

}  // namespace

SnapshotInfo read_info(archive::Reader& reader) {
  if (const auto text = reader.read(info_name, 1 << 20)) return parse_info(*text);
  if (const auto text = reader.read(capture_name, 64ull << 20)) return parse_info(*text, capture_name);
  const bool small = std::any_of(reader.entries().begin(), reader.entries().end(), [](const archive::Entry& entry) {
    return entry.path.str() == metadata_name && entry.size <= metadata_limit;
  });
  if (small)
    if (auto info = parse_metadata(*reader.read(metadata_name, metadata_limit))) return *std::move(info);
  std::set<std::string> services;
  for (const archive::Entry& entry : reader.entries())
    if (const auto service = service_of(entry.path); !service.empty() && !entry.folder) services.emplace(service);
  SnapshotInfo info;
  info.captured.assign(services.begin(), services.end());
  return info;
}

void capture_archive(archive::Reader& reader, TreeBuilder& builder, const Context& context,
                     const std::function<bool(const StatePath&)>& wanted) {
  const auto takes = [&](const StatePath& path) { return !is_own(path) && (!wanted || wanted(path)); };
  const auto declared = read_capture(reader);
  const bool ours = reader.contains(info_name);
  std::uint64_t total = 0;
  for (const archive::Entry& entry : reader.entries())
    if (!entry.folder && takes(entry.path)) total += entry.size;
  context.progress->begin("reading the archive", total);
  std::set<std::string> seen;
  reader.for_each([&](const archive::Entry& entry, base::ByteSource& source) {
    context.cancel->check();
    if (is_own(entry.path)) return;
    seen.insert(entry.path.str());
    if (!takes(entry.path)) return;
    ProgressSource counted(source, context);
    if (declared) {
      builder.add_file(entry.path, entry.size, counted, entry.mode, declaration_of(*declared, entry).sha256);
    } else if (ours && entry.path.str() == metadata_name && entry.size <= metadata_limit) {
      const std::string text = base::read_all(counted, metadata_limit);
      base::MemorySource again(text);
      if (!is_made_metadata(text)) builder.add_file(entry.path, text.size(), again, entry.mode);
    } else {
      builder.add_file(entry.path, entry.size, counted, entry.mode);
    }
  });
  if (declared)
    for (const auto& [path, entry] : *declared)
      if (!entry.omitted && !seen.contains(path))
        throw Error(ErrorCode::corrupt, "the archive lacks " + quote(path) + ", which its list of entries names");
  for (const archive::Entry& entry : reader.entries())
    if (entry.folder && !is_own(entry.path) && (!wanted || wanted(path_in(entry.path))))
      builder.add_empty_folder(entry.path);
  context.progress->end();
}

std::uint64_t write_archive(const TreeView& view, archive::Writer& writer, const ExportLabels& labels,
                            const std::function<bool(const FileEntry&)>& wanted, const Context& context) {
  std::vector<FileEntry> files = view.files();
  std::vector<StatePath> folders = view.empty_folders();
  if (wanted) {
    std::erase_if(files, [&](const FileEntry& file) { return !wanted(file); });
    std::erase_if(folders, [&](const StatePath& folder) { return !wanted({path_in(folder)}); });
  }
  std::uint64_t total = 0;
  for (const FileEntry& file : files) {
    if (is_own(file.path))
      throw Error(ErrorCode::unsupported,
                  "file " + quote(file.path.str()) + " has a name that archives use themselves");
    total += file.size;
  }
  const SnapshotInfo info = narrowed(view.info(), wanted);

  // A version has no file at ".pod", and only an imported one has its own "metadata.yaml".
  const StatePath info_path = StatePath::parse(info_name);
  const StatePath metadata_path = StatePath::parse(metadata_name);
  std::vector<Item> items{{&info_path, nullptr, Item::Kind::info}};
  for (const FileEntry& file : files) items.push_back({&file.path, &file, Item::Kind::file});
  for (const StatePath& folder : folders) items.push_back({&folder, nullptr, Item::Kind::folder});
  const auto by_path = [](const Item& a, const Item& b) { return *a.path < *b.path; };
  if (std::none_of(items.begin(), items.end(), [&](const Item& item) { return *item.path == metadata_path; }))
    items.push_back({&metadata_path, nullptr, Item::Kind::metadata});
  std::sort(items.begin(), items.end(), by_path);

  context.progress->begin("writing the archive", total);
  for (const Item& item : items) {
    context.cancel->check();
    switch (item.kind) {
      case Item::Kind::info: writer.add(*item.path, encode_info(info)); break;
      case Item::Kind::metadata: writer.add(*item.path, make_metadata(info, labels.name, total)); break;
      case Item::Kind::folder: writer.add_folder(*item.path); break;
      case Item::Kind::file: {
        const auto source = view.open(*item.file);
        ProgressSource counted(*source, context);
        writer.add(*item.path, item.file->size, counted, item.file->mode);
      }
    }
  }
  context.progress->end();
  return files.size();
}

}  // namespace pod::snapshot
