// Repositories of stock git beside a folder that they share pods through.
#pragma once

#include "git/stock_git.hpp"

#include <libpod/remote.hpp>

#include <string>

namespace pod::test {

namespace fs = std::filesystem;
using git::test::stock_git;

class Team {
 public:
  Team() {
    for (const char* person : {"ann", "bob"}) {
      fs::create_directory(folder / person);
      stock_git(folder / person, {"init", "-q", "-b", "shop"});
    }
  }
  std::string url() const { return "file://" + (folder / "pods").string(); }
  fs::path at(const char* person) const { return folder / person; }
  GitRemote remote(const char* person) const { return GitRemote::open(at(person) / ".git", url()); }

  Oid commit(const char* person, const std::string& word, const std::string& file = "state") const {
    git::test::write_file(at(person) / file, word);
    stock_git(at(person), {"add", "-A"});
    stock_git(at(person), {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", word.substr(0, 20)});
    return tip(person);
  }
  Oid tip(const char* person, const std::string& revision = "HEAD") const {
    return Oid::parse(stock_git(at(person), {"rev-parse", revision}));
  }

  git::test::Folder folder;
};

}  // namespace pod::test
