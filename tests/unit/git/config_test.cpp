#include "git/repository.hpp"

#include "stock_git.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

TEST_CASE("settings are read and written as stock git does") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  CHECK(repository.config("core.bare") == "true");
  CHECK(repository.config("CORE.Bare") == "true");
  CHECK_FALSE(repository.config("user.name"));
  repository.set_config("remote.Origin.url", "pod::s3://bucket/prefix");
  repository.set_config("user.name", "Ada");
  repository.set_config("user.name", "Bob");
  CHECK(repository.config("remote.Origin.url") == "pod::s3://bucket/prefix");
  CHECK_FALSE(repository.config("remote.origin.url"));
  CHECK(repository.config("user.name") == "Bob");
  CHECK(stock_git(repository.path(), {"config", "--get-all", "user.name"}) == "Bob");
  CHECK(stock_git(repository.path(), {"config", "remote.Origin.url"}) == "pod::s3://bucket/prefix");
  stock_git(repository.path(), {"config", "--add", "user.name", "Cleo"});
  CHECK(repository.config("user.name") == "Cleo");
  repository.set_config("user.name", std::nullopt);
  CHECK_FALSE(repository.config("user.name"));
  repository.set_config("user.name", std::nullopt);
  CHECK(repository.config("core.repositoryformatversion") == "0");
  for (const auto& entry : fs::directory_iterator(repository.path()))
    CHECK_FALSE(entry.path().filename().native().starts_with(".tmp"));
}

TEST_CASE("any value comes back as it was, for stock git too") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  for (const std::string& value : {std::string("plain"),      std::string(),
                                   std::string(" lead"),      std::string("trail "),
                                   std::string("a\nb"),       std::string("a\rb"),
                                   std::string("end\r"),      std::string("\r\n"),
                                   std::string("\r"),         std::string("\n[core]\n\tbare = false"),
                                   std::string("say \"hi\""), std::string("back\\slash"),
                                   std::string("back\\"),     std::string("\""),
                                   std::string("tab\tx"),     std::string("semi;colon"),
                                   std::string("hash#tag"),   std::string("bell\b"),
                                   std::string("é\xff\x01"),  std::string("[section]"),
                                   std::string(5000, 'x'),    std::string("podvalue"),
                                   std::string("a=b"),        std::string("%USER%"),
                                   std::string("$HOME `id`")}) {
    CAPTURE(value);
    repository.set_config("pod.value", value);
    CHECK(repository.config("pod.value") == value);
    CHECK(repository.config("core.bare") == "true");
    const Ran ran = run({"git", "config", "-z", "-f", (repository.path() / "config").string(), "pod.value"});
    CHECK(ran.out == value + '\0');
  }
  CHECK(error_of([&] { repository.set_config("pod.value", std::string_view("a\0b", 3)); }).value().code() ==
        ErrorCode::invalid_argument);
  CHECK(error_of([&] { repository.set_config("pod.value", "[include]"); }).value().code() == ErrorCode::refused);
  CHECK(repository.config("pod.value") == "$HOME `id`");
}

TEST_CASE("keys that git does not allow are refused") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  for (const std::string& key :
       {std::string(), std::string("a"), std::string("a."), std::string(".a"), std::string("a.b c"),
        std::string("a.1b"), std::string("a b.c"), std::string("a.b\nc.d"), std::string("a]\n[core.bare"),
        std::string("a.b=c"), std::string("a.b#"), std::string("a..\x7f.b"), std::string("a.b\0c", 5)}) {
    CAPTURE(key);
    CHECK(error_of([&] { repository.set_config(key, "x"); }).value().code() == ErrorCode::invalid_argument);
    CHECK(error_of([&] { static_cast<void>(repository.config(key)); }).value().code() == ErrorCode::invalid_argument);
  }
  for (const char* key : {"remote.a \"b\" ]\\.url", "a.B-1", "x.y.z.w", "url.https://example.org/.insteadof"}) {
    CAPTURE(key);
    repository.set_config(key, "x");
    CHECK(repository.config(key) == "x");
    CHECK(stock_git(repository.path(), {"config", key}) == "x");
  }
}

TEST_CASE("comments and order of a file stay, and a broken file is named with its line") {
  Folder folder;
  const fs::path file = folder / "config";
  write_file(file, "# mine\n[a]\n\tb = 1 ; one\n[c \"D\"]\n\te\n\tf = \"x\"\n");
  CHECK(read_config_file(file) ==
        std::vector<std::pair<std::string, std::string>>{{"a.b", "1"}, {"c.D.e", "true"}, {"c.D.f", "x"}});
  write_config_file(file, "c.D.f", "y z");
  CHECK(read_file(file).starts_with("# mine\n[a]\n\tb = 1 ; one\n"));
  CHECK(read_config_file(file).back().second == "y z");
  write_file(file, "[a]\n\tb = 1\n[broken\n");
  const Error error = error_of([&] { read_config_file(file); }).value();
  CHECK(error.code() == ErrorCode::corrupt);
  CHECK(error.causes().at(0).find("3") != std::string::npos);
  CHECK(error_of([&] { write_config_file(file, "a.b", "2"); }).value().code() == ErrorCode::corrupt);
  CHECK(read_file(file) == "[a]\n\tb = 1\n[broken\n");
}

TEST_CASE("a file that includes others is refused, a missing one is empty, a linked one stays a link") {
  Folder folder;
  write_file(folder / "other", "[a]\n\tb = 1\n");
  write_file(folder / "config", "[INCLUDE]\n\tpath = other\n");
  CHECK(error_of([&] { read_config_file(folder / "config"); }).value().code() == ErrorCode::refused);
  CHECK(read_config_file(folder / "none").empty());
  write_config_file(folder / "new/er/config", "a.b", "1");
  CHECK(read_config_file(folder / "new/er/config").size() == 1);
  fs::create_symlink("other", folder / "link");
  write_config_file(folder / "link", "a.b", "2");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_config_file(folder / "other").at(0).second == "2");
}
