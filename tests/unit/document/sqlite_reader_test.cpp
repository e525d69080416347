#include "document/sqlite_reader.hpp"

#include <libpod/error.hpp>

#include "document/tree.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

using pod::ErrorCode;
using pod::document::Edge;
using pod::document::Graph;
using pod::document::Kind;
using pod::document::Limits;
using pod::document::read_sqlite;
using pod::document::Tree;
using pod::document::Value;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(TEST_DATA) / "localstack-persist/v4";

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The file that these statements make.
std::string database(const std::string& sql) {
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(":memory:", &raw) == SQLITE_OK);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, &sqlite3_close);
  char* message = nullptr;
  const int code = sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &message);
  REQUIRE_MESSAGE(code == SQLITE_OK, (message ? message : ""));
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(raw, "main", &size, 0);
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  sqlite3_free(bytes);
  return out;
}

struct Outcome {
  ErrorCode code = ErrorCode::internal;  // where it was read
  std::string message;
};

Outcome outcome(std::string file, const Limits& limits = {}) {
  try {
    read_sqlite(std::move(file), "state.db", limits);
  } catch (const pod::Error& error) {
    return {error.code(), error.message()};
  }
  return {};
}

bool is_turned_away(const Outcome& outcome) {
  return outcome.code == ErrorCode::corrupt || outcome.code == ErrorCode::refused;
}

std::vector<std::string> names(const Tree& tree, std::string_view path) {
  std::vector<std::string> out;
  tree.edges(*tree.find(path), [&](const Edge& edge) { return out.push_back(tree.step_text(edge.step)), true; });
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("rows stand under their table and primary key") {
  const Graph graph =
      read_sqlite(database("CREATE TABLE people (name TEXT PRIMARY KEY, age INTEGER, height REAL, photo BLOB);"
                           "INSERT INTO people VALUES ('Ada', 36, 1.5, x'00ff'), ('Bob/Eve', NULL, 2, x'');"
                           "CREATE TABLE numbered (n INTEGER PRIMARY KEY, v);"
                           "INSERT INTO numbered VALUES (7, 'x'), (-1, 'y');"
                           "CREATE TABLE pairs (a TEXT, b INT, v, PRIMARY KEY (b, a)) WITHOUT ROWID;"
                           "INSERT INTO pairs VALUES ('it''s', 2, 'v');"),
                  "state.db");
  const Tree tree(graph);
  CHECK(names(tree, "") == Names{"/numbered", "/pairs", "/people"});
  CHECK(graph.integer(*tree.find("/people/Ada/age")) == 36);
  CHECK(graph.real(*tree.find("/people/Ada/height")) == 1.5);
  CHECK(graph.bytes(*tree.find("/people/Ada/photo")) == std::string_view("\0\xff", 2));
  CHECK(tree.find("/people/Bob~2fEve/age")->kind() == Kind::none);
  CHECK(graph.text(*tree.find("/numbered/-1/v")) == "y");
  CHECK(graph.text(*tree.find("/pairs/2,'it''s'/v")) == "v");
}

TEST_CASE("a row without a primary key has that of a unique index, or counts by its content") {
  const Graph graph =
      read_sqlite(database("CREATE TABLE indexed (a TEXT NOT NULL, b); CREATE UNIQUE INDEX by_a ON indexed (a);"
                           "INSERT INTO indexed VALUES ('k', 1);"
                           "CREATE TABLE nullable (a TEXT UNIQUE, b); INSERT INTO nullable VALUES (NULL, 1), (NULL, 2);"
                           "CREATE TABLE bag (a, b); INSERT INTO bag VALUES (1, 2), (1, 2), (3, 4);"),
                  "state.db");
  const Tree tree(graph);
  CHECK(names(tree, "/indexed") == Names{"/k"});
  CHECK(names(tree, "/nullable").size() == 2);
  const Names bag = names(tree, "/bag");
  REQUIRE(bag.size() == 3);
  CHECK(bag[1] == bag[0] + "#2");
  CHECK(bag[2] != bag[0]);
}

TEST_CASE("a number that the database gave to a row is not its key") {
  const auto bag = [](const char* rows) {
    const Graph graph =
        read_sqlite(database(std::string("CREATE TABLE metrics (\"id\" INTEGER, name TEXT, value, PRIMARY KEY(\"id\"));"
                                         "INSERT INTO metrics VALUES ") +
                             rows),
                    "state.db");
    const Tree tree(graph);
    CHECK(names(tree, "/metrics" + names(tree, "/metrics")[0]) == Names{"/name", "/value"});
    return tree.subtree_digest(tree.root());
  };
  CHECK(bag("(1, 'a', 1), (2, 'b', 2)") == bag("(5, 'b', 2), (9, 'a', 1)"));
  CHECK(bag("(1, 'a', 1), (2, 'b', 2)") != bag("(1, 'a', 1), (2, 'b', 3)"));
  // But where other rows name it, it is.
  const Graph graph =
      read_sqlite(database("CREATE TABLE owner (id INTEGER PRIMARY KEY, name); INSERT INTO owner VALUES (3, 'x');"
                           "CREATE TABLE thing (owner REFERENCES owner(id));"),
                  "state.db");
  CHECK(Tree(graph).find("/owner/3/id"));
}

TEST_CASE("DynamoDB Local's file reads as its tables, with items and descriptions as trees") {
  const Graph graph = read_sqlite(content(fixtures / "dynamodb/assets/000000000000useast1_us-east-1.db"),
                                  "000000000000useast1_us-east-1.db");
  const Tree tree(graph);
  const Names items = names(tree, "/test-table");
  REQUIRE(items.size() == 1);
  CHECK(graph.text(*tree.find("/test-table" + items[0] + "/ObjectJSON/id/N")) == "123");
  CHECK(graph.text(*tree.find("/test-table" + items[0] + "/ObjectJSON/foo/S")) == "bar");
  CHECK(graph.text(*tree.find("/dm/test-table/TableInfo/Attributes/0/AttributeName")) == "id");
  CHECK(graph.text(*tree.find("/cf" + names(tree, "/cf")[0] + "/version")) == "v2.4.0");
  CHECK(names(tree, "") == Names{"/cf", "/dm", "/sm", "/ss", "/test-table", "/tr", "/us"});
}

TEST_CASE("CloudWatch's metrics read as rows by content") {
  const Graph graph = read_sqlite(content(fixtures / "cloudwatch/assets/metrics.db"), "metrics.db");
  const Tree tree(graph);
  const Names rows = names(tree, "/SINGLE_METRICS");
  CHECK(rows.size() == 3);
  CHECK(graph.text(*tree.find("/SINGLE_METRICS" + rows[0] + "/namespace")) == "AWS/SQS");
  CHECK_FALSE(tree.find("/SINGLE_METRICS" + rows[0] + "/id"));
  CHECK(tree.edge_count(*tree.find("/AGGREGATED_METRICS")) == 0);
}

TEST_CASE("a database in WAL mode is read as far as its log was copied into it") {
  std::string file = database("CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t VALUES ('a')");
  file[18] = file[19] = 2;
  const Graph graph = read_sqlite(file, "state.db");
  CHECK(Tree(graph).find("/t/a/k"));
}

TEST_CASE("views, triggers and virtual tables are neither run nor read") {
  const Graph graph = read_sqlite(
      database("CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t VALUES ('a');"
               "CREATE VIEW bomb AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x FROM n;"
               "CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t; END;"
               "CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES ('hello');"),
      "state.db");
  const Tree tree(graph);
  CHECK(tree.find("/t/a"));
  CHECK_FALSE(tree.find("/bomb"));
  CHECK_FALSE(tree.find("/words"));
}

TEST_CASE("generated columns are left out, and what a schema would have to compute is refused") {
  const Graph graph = read_sqlite(
      database("CREATE TABLE t (k TEXT PRIMARY KEY, big AS (hex(zeroblob(100000000)))); INSERT INTO t(k) VALUES ('a')"),
      "state.db");
  CHECK(names(Tree(graph), "/t/a") == Names{"/k"});
}

TEST_CASE("a table that is a view in disguise is turned away") {
  const std::string file = database(
      "CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t VALUES ('a'); PRAGMA writable_schema=ON;"
      "UPDATE sqlite_schema SET sql='CREATE VIEW t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) "
      "SELECT x FROM n'"
      " WHERE name='t';");
  CHECK(is_turned_away(outcome(file)));
}

TEST_CASE("a virtual table that claims pages is turned away") {
  const std::string file = database(
      "CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t VALUES ('a'); PRAGMA writable_schema=ON;"
      "UPDATE sqlite_schema SET sql='CREATE VIRTUAL TABLE t USING fts5(body)' WHERE name='t';");
  CHECK(is_turned_away(outcome(file)));
}

TEST_CASE("a schema that SQLite cannot parse, and pages that are none, are corrupt") {
  const std::string good = database("CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1)");
  CHECK(outcome(good).code == ErrorCode::internal);
  CHECK(is_turned_away(outcome(good.substr(0, 200))));
  CHECK(is_turned_away(outcome(good.substr(0, 16))));
  std::string broken = good;
  std::memset(broken.data() + 100, '\xff', 400);
  CHECK(is_turned_away(outcome(broken)));
  const std::string nonsense = database(
      "CREATE TABLE t (k); PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql='CREATE TABLE t (((' WHERE "
      "name='t';");
  CHECK(is_turned_away(outcome(nonsense)));
}

TEST_CASE("tables that share their pages do not multiply") {
  std::string sql = "CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB); INSERT INTO t VALUES (1, zeroblob(300000));";
  CHECK(outcome(database(sql)).code == ErrorCode::internal);
  for (int at = 0; at < 50; ++at) sql += "CREATE TABLE t" + std::to_string(at) + " (k INTEGER PRIMARY KEY, v BLOB);";
  sql +=
      "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage=(SELECT rootpage FROM sqlite_schema WHERE "
      "name='t');";
  CHECK(is_turned_away(outcome(database(sql))));
}

TEST_CASE("a database of more rows than the limit allows is refused in time") {
  const std::string file = database(
      "CREATE TABLE t (a); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n WHERE x<100000) INSERT INTO t "
      "SELECT x FROM n;");
  CHECK(outcome(file, {.steps = 10'000}).code == ErrorCode::refused);
  CHECK(outcome(file, {.nodes = 1000}).code == ErrorCode::refused);
  CHECK(outcome(file, {.bytes = 1000}).code == ErrorCode::refused);
  CHECK(outcome(file).code == ErrorCode::internal);
}

TEST_CASE("names and texts of any bytes are read") {
  const Graph graph = read_sqlite(database("CREATE TABLE \"we\"\"ird \x1b[31m/table\" (\"select\" TEXT PRIMARY KEY, "
                                           "\"v;--\"); INSERT INTO \"we\"\"ird \x1b[31m/table\" VALUES"
                                           " (CAST(x'ff' AS TEXT), CAST(x'fe' AS TEXT)), ('\xe2\x80\xae', '{\"a\": [1, "
                                           "{\"b\": null}]}'), ('c', '{broken'), ('d', '[1e999]');"),
                                  "state.db");
  const Tree tree(graph);
  const std::string table = names(tree, "")[0];
  CHECK(table == "/we\"ird ~1b[31m~2ftable");
  CHECK(tree.find(table + "/x'ff'/v;--")->kind() == Kind::bytes);
  CHECK(tree.find(table + "/\xe2\x80\xae/v;--/a/1/b")->kind() == Kind::none);
  CHECK(graph.text(*tree.find(table + "/c/v;--")) == "{broken");
  CHECK(graph.text(*tree.find(table + "/d/v;--")) == "[1e999]");
}
