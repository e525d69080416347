// What a writer does for the next ones once its own change is done.

#include "git/pack_join.hpp"
#include "store/engine_impl.hpp"

#include <libpod/error.hpp>

namespace pod::store {

void Engine::Impl::keep_packs_few(const Context& context) noexcept {
  try {
    const std::filesystem::path objects = repository.objects_folder();
    const std::vector<std::filesystem::path> small = git::packs_to_join(objects);
    if (small.empty()) return;
    const auto joined = git::join_packs(objects, small, context);
    if (!joined) return;
    const std::filesystem::path index = std::filesystem::path(joined->pack).replace_extension(".idx");
    for (const std::filesystem::path& old : small)
      if (old != index) git::remove_pack(old);
    repository.objects()->refresh();
  } catch (...) {
    // Many packs are slow, not wrong: the next writer tries again.
  }
}

}  // namespace pod::store
