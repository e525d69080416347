// Objects as the files of a folder that several processes and machines share.
//
// An object is written beside its place under a name that no object has ('+' in front), made durable, and then gets its
// name. What was created stays as it is; a replacement is compared and renamed under a lock. How it lies on disk:
//
//   a/b                        the object "a/b"
//   a/+b.<digest>.part         being written: whoever writes the same content next goes on with it
//   a/+b.<random>.tmp          the same, where another one is at it
//   a/+b.lock                  flocked while "a/b" is replaced; stays
#pragma once

#include "objects/object_store.hpp"
#include "objects/shared_folder.hpp"

#include <mutex>
#include <set>

namespace pod::objects {

struct DirectoryOptions {
  std::chrono::seconds leftovers{7 * 86400};  // what killed writers left is removed when it is older
  std::chrono::milliseconds lock_patience{60000};
};

/// Safe, also between processes and machines where the file system has flock and keeps the order of rename.
class DirectoryStore final : public ObjectStore {
 public:
  /// The folder has to be there at the first call.
  explicit DirectoryStore(fs::path root, const Context& context = {}, const DirectoryOptions& options = {});

  std::string describe() const override;
  /// Reads the object where it is small (64 KiB), its ends where it is large: a time alone is no version.
  std::optional<ObjectInfo> head(const Key& key) override;
  ReadResult get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) override;
  Creation put_if_absent(const Key& key, const Content& content) override;
  Replacement put_if_match(const Key& key, const Content& content, const std::string& version) override;
  void remove(const Key& key) override;
  /// Versions are not filled. One folder's names are held in memory.
  void list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  /// The file server's clock: writes an empty file.
  std::int64_t now() override;

 private:
  struct Place;
  struct Written;
  Place place(const Key& key) const;
  std::optional<ObjectInfo> info(int folder_fd, const Place& place) const;
  Written write(int folder_fd, const Place& place, const Content& content, bool resumable);
  void fill(int fd, const Place& place, const Content& content);
  bool publish(int folder_fd, const Place& place, const Written& written);
  void sweep(const Place& place);
  void list_folder(const std::string& folder, const std::function<bool(const ListedObject&)>& visit, bool& going) const;

  const SharedFolder tree_;
  const Context context_;
  const DirectoryOptions options_;
  std::mutex mutex_;
  std::set<std::string> swept_;
};

}  // namespace pod::objects
