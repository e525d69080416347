// The options of a commit and of an inject, for every command that does one.
#pragma once

#include "options.hpp"

#include <libpod/flow.hpp>

#include <string>

namespace podgit {

/// `-m`, `--from`, `--services`.
class CommitFlags {
 public:
  void declare(CLI::App& app);
  pod::Source source(Session& session) const { return session.source(source_); }
  pod::CommitOptions options(Session& session) const;

 private:
  std::string message_;
  std::string source_;
  ServiceOption services_;
};

/// `--into`, `--strategy`, `--services`, `--force`, `--trust`.
class InjectFlags {
 public:
  void declare(CLI::App& app);
  pod::Source target(Session& session) const { return session.instance(instance_); }
  pod::InjectOptions options(Session& session) const;

 private:
  std::string instance_;
  std::string strategy_;
  ServiceOption services_;
  bool force_ = false;
  bool trust_ = false;
};

}  // namespace podgit
