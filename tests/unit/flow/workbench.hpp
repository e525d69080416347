// A folder for a test with a store in it, and the words that the tests are written in.
#pragma once

#include "base/files.hpp"
#include "state_words.hpp"
#include "store/engine.hpp"

#include <libpod/libpod.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>

namespace pod::test {

namespace fs = std::filesystem;

inline const PodName shop = PodName::parse("shop");
inline const Author ada{"Ada", "ada@example.org"};
inline const std::string sqs_file = "api_states/000000000000/sqs/us-east-1/backend.state";
inline const std::string sqs_west = "api_states/000000000000/sqs/us-west-2/backend.state";
inline const std::string s3_file = "api_states/000000000000/s3/global/backend.state";

inline void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Every file below `folder` by its relative path.
inline std::map<std::string, std::string> files_below(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) out[entry.path().lexically_relative(folder).string()] = read_text(entry.path());
  return out;
}

struct Warnings final : Progress {
  void begin(std::string_view, std::optional<std::uint64_t>) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void warn(std::string_view message) override { text += std::string(message) + "\n"; }
  std::string text;
};

class Workbench {
 public:
  Workbench() : folder_("/tmp", "flow-"), store_(Store::init(folder_.path() / "store")) {}

  const fs::path& path() const { return folder_.path(); }
  Store& store() { return store_; }
  Store open_again() const { return Store::open(path() / "store"); }

  std::vector<Version> history(const PodName& pod = shop) {
    std::vector<Version> out;
    store_.log(PodRef::latest(pod), [&](const Version& version) {
      out.push_back(version);
      return true;
    });
    return out;
  }
  /// Every file; of a state file the word in it.
  std::map<std::string, std::string> content(const std::string& ref) {
    const Snapshot snapshot = store_.snapshot(store_.resolve(PodRef::parse(ref)));
    std::map<std::string, std::string> out;
    for (const FileEntry& file : snapshot.files()) out[file.path.str()] = word_in(snapshot.read(file.path));
    return out;
  }
  /// No spool, no temporary pack.
  bool tidy() const {
    return fs::is_empty(path() / "store/pod/tmp") && [this] {
      for (const auto& entry : fs::directory_iterator(path() / "store/objects/pack"))
        if (entry.path().filename().native().starts_with("tmp_")) return false;
      return true;
    }();
  }
  std::size_t packs() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(path() / "store/objects/pack"))
      count += entry.path().extension() == ".pack";
    return count;
  }
  /// Every ref with its target, as stock git sees them.
  std::string refs() const {
    const fs::path out = path() / "refs";
    const std::string command = "git -C '" + (path() / "store").string() + "' show-ref > '" + out.string() + "'";
    return std::system(command.c_str()) == 0 ? read_text(out) : "cannot be read";
  }
  /// Stock git finds nothing to say.
  bool sound() const {
    const fs::path out = path() / "fsck";
    const std::string command = "git -C '" + (path() / "store").string() +
                                "' fsck --strict --no-progress --no-dangling > '" + out.string() + "' 2>&1";
    return std::system(command.c_str()) == 0 && read_text(out).empty();
  }

 private:
  base::TempFolder folder_;
  Store store_;
};

/// The code that `action` throws.
inline std::optional<Error> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace pod::test
