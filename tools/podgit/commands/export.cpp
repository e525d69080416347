#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Export final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "export",
        "[--force] POD[:N] FILE",
        "write a version as one archive",
        "podgit export shop:3 shop-3.zip\n"
        "podgit export shop shop.tar.zst",
        "The layout is that of cloud pods, the bytes are the same each time. A name that ends\n"
        "in .tar.zst makes such an archive, any other a zip. The file appears whole or not.",
        "no file was written"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, ref_, "POD", "POD[:N]", "the version");
    declare_positional(app, file_, "FILE", "FILE", "the archive to write");
    app.add_flag("-f,--force", force_, "replace a file that is there");
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(ref_);
    if (file_.empty()) throw_usage("the name of the file is empty", "podgit export POD FILE");
    const pod::Store& store = session.store_to_read();
    const pod::Version version = store.resolve(ref);
    const auto result = pod::export_version(store, ref, file_, force_, session.context());
    const std::string path = result.path.native();
    if (!session.json() && !session.options().quiet)
      session.out().line(fmt::format("{} -> {}  {}, {}", session.paint(version.str(), Colour::bold),
                                     pod::printable(path), counted(result.files, "file"), human_size(result.bytes)));
    return {.data = {{"version", json_of(version)},
                     {"file", json_text(path)},
                     {"files", result.files},
                     {"bytes", result.bytes}}};
  }

 private:
  std::string ref_;
  std::string file_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_export() { return std::make_unique<Export>(); }

}  // namespace podgit
