#include "flow/scratch_objects.hpp"

#include "base/files.hpp"

#include <utility>

namespace pod::flow {
namespace {

/// Looks in the scratch first: it is small.
class Layered final : public git::ObjectDatabase {
 public:
  Layered(std::shared_ptr<git::ObjectDatabase> top, std::shared_ptr<git::ObjectDatabase> bottom)
      : top_(std::move(top)), bottom_(std::move(bottom)) {}

  bool contains(const Oid& id) override { return top_->contains(id) || bottom_->contains(id); }
  bool knows(const Oid& id) override { return top_->knows(id) || bottom_->knows(id); }
  std::optional<git::ObjectHeader> header(const Oid& id) override {
    auto found = top_->header(id);
    return found ? found : bottom_->header(id);
  }
  std::optional<std::uint64_t> place(const Oid& id) override { return layer_of(id).place(id); }
  std::string read(const Oid& id, git::ObjectType expected, std::uint64_t limit) override {
    return layer_of(id).read(id, expected, limit);
  }
  git::Object read_any(const Oid& id, std::uint64_t limit) override { return layer_of(id).read_any(id, limit); }
  std::unique_ptr<base::ByteSource> stream(const Oid& id) override { return layer_of(id).stream(id); }
  void refresh() override { bottom_->refresh(); }
  void for_each(const std::function<void(const Oid&)>& visit) override {
    top_->for_each(visit);
    bottom_->for_each(visit);
  }
  std::vector<Oid> with_prefix(const Oid& prefix, std::size_t digits, std::size_t limit) override {
    auto found = top_->with_prefix(prefix, digits, limit);
    const auto below = bottom_->with_prefix(prefix, digits, limit - found.size());
    found.insert(found.end(), below.begin(), below.end());
    return found;
  }
  bool is_cut(const Oid& commit) override { return bottom_->is_cut(commit); }
  std::vector<std::string> problems() override { return bottom_->problems(); }

 private:
  git::ObjectDatabase& layer_of(const Oid& id) { return top_->contains(id) ? *top_ : *bottom_; }

  std::shared_ptr<git::ObjectDatabase> top_;
  std::shared_ptr<git::ObjectDatabase> bottom_;
};

std::filesystem::path make_objects_folder(const std::filesystem::path& folder) {
  const auto objects = folder / "objects";
  std::error_code error;
  std::filesystem::create_directories(objects / "pack", error);
  if (error) base::throw_errno(error.value(), "create", objects);
  return objects;
}

}  // namespace

ScratchObjects::ScratchObjects(const std::filesystem::path& folder, std::shared_ptr<git::ObjectDatabase> store,
                               const Context& context)
    : objects_(make_objects_folder(folder)), store_(std::move(store)), pack_(store_, objects_, context) {}

std::shared_ptr<git::ObjectDatabase> ScratchObjects::finish() {
  pack_.finish();
  return std::make_shared<Layered>(git::ObjectDatabase::open(objects_), store_);
}

}  // namespace pod::flow
