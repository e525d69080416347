#include "side.hpp"

#include <libpod/flow.hpp>

#include <filesystem>

namespace podgit {
namespace {

bool is_url(std::string_view text) { return text.find("://") != std::string_view::npos; }

bool is_plainly_a_file(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text == "." || text == "..";
}

bool is_there(const std::string& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

Side outside(Session& session, const std::string& text) {
  const pod::Source source = pod::Source::parse(text, session.instance_options());
  if (!source.is_instance() && !is_there(text))
    throw pod::Error(pod::ErrorCode::not_found, "there is no file or directory " + pod::quote(text));
  return {source.display(), std::nullopt, pod::snapshot_of(source, {}, session.context())};
}

}  // namespace

Side side_of(const pod::Store& store, const pod::Version& version) {
  return {version.str(), version, store.snapshot(version)};
}

Side side_of(Session& session, const std::string& text) {
  if (is_url(text) || is_plainly_a_file(text)) return outside(session, text);
  try {
    const auto ref = pod::PodRef::parse(text);
    const pod::Store& store = session.store_to_read();
    return side_of(store, store.resolve(ref));
  } catch (pod::Error& error) {
    const bool no_name = error.code() == pod::ErrorCode::invalid_argument ||
                         error.code() == pod::ErrorCode::not_found || error.code() == pod::ErrorCode::unsupported;
    if (!no_name) throw;
    if (!is_there(text)) {
      error.because("there is no file or directory of this name either");
      throw;
    }
  }
  return outside(session, text);
}

}  // namespace podgit
