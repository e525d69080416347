// A step of progress that ends with its scope, also when an error passes.
#pragma once

#include <libpod/context.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace pod::flow {

class ProgressStep {
 public:
  ProgressStep(const Context& context, std::string_view name, std::optional<std::uint64_t> total)
      : progress_(context.progress) {
    progress_->begin(name, total);
  }
  ~ProgressStep() { progress_->end(); }
  ProgressStep(const ProgressStep&) = delete;
  ProgressStep& operator=(const ProgressStep&) = delete;
  void advance(std::uint64_t bytes) { progress_->advance(bytes); }

 private:
  Progress* progress_;
};

}  // namespace pod::flow
