#include "remote/layered_objects.hpp"

namespace pod::remote {
namespace {

class Layered final : public git::ObjectDatabase {
 public:
  Layered(std::shared_ptr<git::ObjectDatabase> upper, std::shared_ptr<git::ObjectDatabase> lower)
      : upper_(std::move(upper)), lower_(std::move(lower)) {}

  bool contains(const Oid& id) override { return upper_->knows(id) || lower_->contains(id); }
  bool knows(const Oid& id) override { return upper_->knows(id) || lower_->knows(id); }
  std::optional<git::ObjectHeader> header(const Oid& id) override { return of(id).header(id); }
  std::optional<std::uint64_t> place(const Oid& id) override { return of(id).place(id); }
  std::string read(const Oid& id, git::ObjectType expected, std::uint64_t limit) override {
    return of(id).read(id, expected, limit);
  }
  git::Object read_any(const Oid& id, std::uint64_t limit) override { return of(id).read_any(id, limit); }
  std::unique_ptr<base::ByteSource> stream(const Oid& id) override { return of(id).stream(id); }
  void refresh() override { lower_->refresh(); }
  void for_each(const std::function<void(const Oid&)>& visit) override {
    upper_->for_each(visit);
    lower_->for_each([&](const Oid& id) {
      if (!upper_->knows(id)) visit(id);
    });
  }
  std::vector<Oid> with_prefix(const Oid& prefix, std::size_t digits, std::size_t limit) override {
    std::vector<Oid> found = upper_->with_prefix(prefix, digits, limit);
    for (const Oid& id : lower_->with_prefix(prefix, digits, limit))
      if (found.size() < limit && !upper_->knows(id)) found.push_back(id);
    return found;
  }
  bool is_cut(const Oid& commit) override { return lower_->is_cut(commit); }
  std::vector<std::string> problems() override { return lower_->problems(); }

 private:
  git::ObjectDatabase& of(const Oid& id) { return upper_->knows(id) ? *upper_ : *lower_; }

  std::shared_ptr<git::ObjectDatabase> upper_;
  std::shared_ptr<git::ObjectDatabase> lower_;
};

}  // namespace

std::shared_ptr<git::ObjectDatabase> layered(std::shared_ptr<git::ObjectDatabase> upper,
                                             std::shared_ptr<git::ObjectDatabase> lower) {
  return std::make_shared<Layered>(std::move(upper), std::move(lower));
}

}  // namespace pod::remote
