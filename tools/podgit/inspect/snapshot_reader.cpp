#include "snapshot_reader.hpp"

#include "../measures.hpp"
#include "../resource_json.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace podgit::inspect {
namespace {

constexpr std::size_t most_versions = 10000;

/// Nothing but the browser writes to the terminal.
pod::NoProgress silent;

void write_new_file(const std::string& file, std::string_view text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    throw pod::Error(errno == EEXIST ? pod::ErrorCode::already_exists : pod::ErrorCode::io,
                     fmt::format("{} could not be made", pod::quote(file)))
        .because(std::strerror(errno));
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written > 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      error = errno;
  }
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0) return;
  unlink(file.c_str());
  throw pod::Error(pod::ErrorCode::io, fmt::format("{} could not be written", pod::quote(file)))
      .because(std::strerror(error));
}

}  // namespace

std::string title_of(const Side& side) {
  if (!side.version) return side.name;
  return fmt::format("{}  {}  {}", side.name, short_time(side.version->time), side.version->subject());
}

Json json_of(const Item& item) {
  Json out = {{"service", json_text(item.service)},
              {"account", json_text(item.account)},
              {"region", json_text(item.region)},
              {"type", json_text(item.type)},
              {"id", json_text(item.id)},
              {"file", item.file != nullptr ? json_text(item.file->path.str()) : Json(nullptr)}};
  if (item.kind == Item::Kind::collection) out["elements"] = item.count;
  if (item.kind == Item::Kind::unread) out["notRead"] = json_text(item.file->not_read);
  if (item.resource != nullptr) out["resource"] = podgit::json_of(*item.resource);
  if (item.change != nullptr) out["change"] = podgit::json_of(*item.change);
  if (item.other != nullptr) out["change"] = podgit::json_of(*item.other);
  return out;
}

SnapshotReader::SnapshotReader(Session& session, Side side, Selection selection)
    : session_(session), side_(std::move(side)), selection_(std::move(selection)) {}

pod::Context SnapshotReader::quiet() const {
  pod::Context context = session_.context();
  context.progress = &silent;
  return context;
}

Content SnapshotReader::content_of(const Side& side) const {
  return {title_of(side), selection_.of(pod::inventory(side.snapshot, quiet()))};
}

Content SnapshotReader::content() const { return content_of(side_); }

std::vector<VersionLine> SnapshotReader::versions() {
  std::vector<VersionLine> out;
  if (!side_.version || !side_.version->pod) return out;
  session_.store_to_read().log(pod::PodRef::latest(*side_.version->pod), [&](const pod::Version& version) {
    out.push_back({version.str(), short_time(version.time), version.subject()});
    return out.size() < most_versions;
  });
  return out;
}

Content SnapshotReader::open(const std::string& version) {
  const pod::Store& store = session_.store_to_read();
  Side side = side_of(store, store.resolve(pod::PodRef::parse(version)));
  Content content = content_of(side);
  side_ = std::move(side);
  document_.reset();
  document_file_.reset();
  return content;
}

Content SnapshotReader::compare(const std::string& version, const Content& now) {
  const pod::Store& store = session_.store_to_read();
  const Side older = side_of(store, store.resolve(pod::PodRef::parse(version)));
  pod::ResourceDiff difference = pod::compare(older.snapshot, side_.snapshot, {}, quiet());
  const auto left_out = [&](std::string_view service, std::string_view type) {
    const auto lists = [](const std::vector<std::string>& names, std::string_view name) {
      return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
    };
    return !lists(selection_.services, service) || !lists(selection_.types, type);
  };
  std::erase_if(difference.resources,
                [&](const pod::ResourceChange& change) { return left_out(change.service, change.type); });
  std::erase_if(difference.others, [&](const pod::OtherChange& change) {
    return !selection_.types.empty() || left_out(pod::service_of(change.path), "");
  });
  return {fmt::format("{} -> {}", older.name, side_.name), std::move(difference), content_of(older), now};
}

const pod::Document& SnapshotReader::document(const pod::StatePath& file) {
  if (!document_ || document_file_ != file) {
    document_.reset();
    document_ = pod::Document::read(side_.snapshot, file, quiet());
    document_file_ = file;
  }
  return *document_;
}

std::vector<pod::Field> SnapshotReader::fields(const pod::StatePath& file, std::string_view path, std::size_t first,
                                               std::size_t limit) {
  return document(file).fields(path, first, limit);
}

std::string SnapshotReader::save(const std::string& file, const std::vector<const Item*>& items) {
  Json out;
  if (items.size() == 1) {
    const Item& item = *items.front();
    out = json_of(item);
    if (item.resource != nullptr && item.file != nullptr && item.mark != Mark::removed)
      out["content"] = Json::parse(document(item.file->path).json(item.resource->path));
  } else {
    out = Json::array();
    for (const Item* item : items) out.push_back(json_of(*item));
  }
  write_new_file(file, out.dump(2, ' ', true) + "\n");
  return fmt::format("wrote {} to {}", counted(items.size(), "resource"), file);
}

}  // namespace podgit::inspect
