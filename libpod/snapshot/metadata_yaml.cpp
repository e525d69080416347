#include "snapshot/metadata_yaml.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

namespace pod::snapshot {
namespace {

constexpr std::string_view made_line = "# made by podgit from .pod/info.json\n";
constexpr int depth_limit = 16;
constexpr std::size_t service_limit = 1'000;

struct Unreadable {};

bool is_service(std::string_view text) {
  return !text.empty() && text.size() <= 64 && base::is_alnum(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return base::is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

/// Listens to the parser instead of building nodes: depth and aliases are refused as they come, and only what is asked
/// for is kept.
class Listener final : public YAML::EventHandler {
 public:
  SnapshotInfo info;
  bool has_services = false;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t anchor) override { value("", anchor); }
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { throw Unreadable{}; }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t anchor, const std::string& text) override {
    value(text, anchor);
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (depth_ == 0) throw Unreadable{};
    if (depth_ == 1) in_services_ = key_ == "services";
    has_services = has_services || in_services_;
    enter(anchor);
  }
  void OnSequenceEnd() override { leave(); }
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    if (depth_ == 1 && !key_) throw Unreadable{};  // a map as a key
    enter(anchor);
  }
  void OnMapEnd() override { leave(); }

 private:
  void enter(YAML::anchor_t anchor) {
    if (anchor != 0 || ++depth_ > depth_limit) throw Unreadable{};
  }
  void leave() {
    if (--depth_ == 1) {
      key_.reset();
      in_services_ = false;
    }
  }
  void value(const std::string& text, YAML::anchor_t anchor) {
    if (anchor != 0 || depth_ == 0) throw Unreadable{};
    if (depth_ == 2 && in_services_) {
      if (is_service(text) && info.captured.size() < service_limit) info.captured.push_back(text);
    } else if (depth_ == 1) {
      if (!key_) {
        key_ = text;
        return;
      }
      if (*key_ == "localstack_version") info.emulator.version = text.substr(0, 100);
      key_.reset();
    }
  }

  std::optional<std::string> key_;  // of the map at the top, while its value is awaited
  int depth_ = 0;
  bool in_services_ = false;
};

}  // namespace

std::optional<SnapshotInfo> parse_metadata(std::string_view bytes) {
  if (bytes.size() > metadata_limit || !base::is_utf8(bytes)) return std::nullopt;
  try {
    std::istringstream stream{std::string(bytes)};
    YAML::Parser parser(stream);
    Listener listener;
    if (!parser.HandleNextDocument(listener) || !listener.has_services) return std::nullopt;
    SnapshotInfo info = std::move(listener.info);
    info.emulator.name = "localstack";
    info.emulator.version = printable(info.emulator.version);
    std::sort(info.captured.begin(), info.captured.end());
    info.captured.erase(std::unique(info.captured.begin(), info.captured.end()), info.captured.end());
    return info;
  } catch (const YAML::Exception&) {
    return std::nullopt;
  } catch (const Unreadable&) {
    return std::nullopt;
  }
}

std::string make_metadata(const SnapshotInfo& info, std::string_view name, std::uint64_t size) {
  const auto version_of = [&](std::string_view emulator) {
    return info.emulator.name == emulator ? info.emulator.version : "";
  };
  YAML::Emitter out;
  out << YAML::BeginMap;
  const auto text = [&](const char* key, std::string_view value) {
    out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << printable(value);
  };
  text("localstack_ext_version", "");
  text("localstack_version", version_of("localstack"));
  text("moto_ext_version", version_of("moto"));
  text("name", name);
  out << YAML::Key << "pro" << YAML::Value << false;
  out << YAML::Key << "services" << YAML::Value << YAML::BeginSeq;
  for (const std::string& service : info.captured) out << YAML::DoubleQuoted << service;
  out << YAML::EndSeq;
  out << YAML::Key << "size" << YAML::Value << std::to_string(size) << YAML::EndMap;
  return std::string(made_line) + out.c_str() + "\n";
}

bool is_made_metadata(std::string_view bytes) { return bytes.starts_with(made_line); }

}  // namespace pod::snapshot
