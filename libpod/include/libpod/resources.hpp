// What is inside a snapshot: its resources, how two snapshots differ in them, and whether it is safe to load. Nothing
// that is read here is ever run.
//
//   pod::Snapshot now = store.snapshot(store.resolve(pod::PodRef::parse("shop")));
//   for (const pod::StateReading& file : pod::inventory(now).files)
//     for (const pod::Resource& resource : file.resources)
//       std::cout << file.service << ' ' << resource.type << ' ' << resource.id << '\n';
//
// Thread word: values; the functions are safe for different snapshots.
#pragma once

#include <libpod/context.hpp>
#include <libpod/error.hpp>
#include <libpod/names.hpp>
#include <libpod/snapshot.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod {

/// Whether a file may be loaded into an emulator.
enum class Verdict {
  accept,
  review,  // nothing known to be bad, something not known to be good: needs the user's word
  refuse,  // no way
};
POD_API std::string_view verdict_name(Verdict verdict) noexcept;

/// One thing that an emulator's user knows by name: a bucket, a queue, a table.
struct Resource {
  std::string type;                                             // "bucket"
  std::string id;                                               // "orders": unique for its type in its state file
  std::string arn;                                              // empty where it has none
  std::string path;                                             // in the document, e.g. "/buckets/orders"
  std::string digest;                                           // 32 hex digits: equal for equal content
  std::uint64_t bytes = 0;                                      // of what it holds, e.g. its objects' sizes
  std::vector<std::pair<std::string, std::string>> attributes;  // by rule, never a secret's value
  std::vector<std::pair<std::string, std::uint64_t>> counts;    // "objects" → 12
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> references;  // ARNs that it names
};

/// What one state file says.
struct StateReading {
  StatePath path;
  std::string account;  // of the path; empty where the path is of another layout
  std::string region;
  std::string service;
  std::string format;  // "pickle", "json", "jsonpickle", "sqlite", "opaque"
  std::string digest;  // canonical, 64 hex digits; of the bytes where it was not read
  std::uint64_t bytes = 0;
  Verdict verdict = Verdict::accept;
  std::string not_read;                                         // the reason; empty where it was read
  std::vector<Resource> resources;                              // sorted by type, id
  std::vector<std::pair<std::string, std::uint64_t>> unmapped;  // collections without a rule: name → elements
};

struct AssetSummary {
  std::string service;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

struct Inventory {
  std::vector<StateReading> files;   // sorted by path
  std::vector<AssetSummary> assets;  // sorted by service
};

/// From `.pod/metamodel` where the version has one of the current rules, else by reading the state files. Cost: then
/// all state. Error(corrupt) for a damaged store; a state file that cannot be read is `not_read`, not an error.
POD_API Inventory inventory(const Snapshot& snapshot, const Context& context = {});

/// One line of a document's tree, for showing it.
struct Field {
  std::string name;  // the last step of the path: "orders", "@name", "3"
  std::string path;
  std::string value;      // one line, printable; secrets masked
  std::string reference;  // where the object is at home, if not here
  std::uint64_t children = 0;
};
/// The fields below `path` of a state file, at most `limit` from `first` on. Error(not_found), Error(unsupported) (not
/// a document that can be read). Cost: reads the file; a Document keeps it for the next question.
class POD_API Document {
 public:
  static Document read(const Snapshot& snapshot, const StatePath& file, const Context& context = {});
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  std::vector<Field> fields(std::string_view path, std::size_t first = 0, std::size_t limit = 1000) const;
  /// The subtree as JSON text for people and scripts: secrets masked unless `reveal`. At most `limit` bytes, then
  /// Error(refused).
  std::string json(std::string_view path, bool reveal = false, std::uint64_t limit = 64ull << 20) const;

 private:
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

enum class ChangeKind { added, removed, changed };

struct FieldChange {
  std::string path;  // below the resource: "/@attributes/VisibilityTimeout"
  ChangeKind kind = ChangeKind::changed;
  std::string before;  // one line, printable; secrets masked: "•••• (12 bytes)"
  std::string after;
};

struct ResourceChange {
  std::string account;
  std::string region;
  std::string service;
  std::string type;
  std::string id;
  ChangeKind kind = ChangeKind::changed;
  std::vector<FieldChange> fields;  // of a changed one; at most DiffOptions::fields
  std::uint64_t more_fields = 0;    // that many were left out
};

/// What a state file differs in outside of every resource (collections without a rule, files that are not read).
struct OtherChange {
  StatePath path;
  ChangeKind kind = ChangeKind::changed;
  std::vector<FieldChange> fields;
  std::uint64_t more_fields = 0;
};

struct DiffOptions {
  bool fields = true;            // false: only which resources
  std::size_t fields_each = 50;  // per resource
};

struct ResourceDiff {
  std::vector<ResourceChange> resources;  // sorted by service, account, region, type, id
  std::vector<OtherChange> others;
  std::vector<std::string> not_compared;  // services that only one of the two captured
  bool empty() const noexcept { return resources.empty() && others.empty() && not_compared.empty(); }
};
/// Cost: only state files whose digests differ are read.
POD_API ResourceDiff compare(const Snapshot& from, const Snapshot& to, const DiffOptions& options = {},
                             const Context& context = {});

struct Concern {
  Verdict verdict = Verdict::review;
  std::uint64_t offset = 0;
  std::string path;                      // in the document's tree, empty where the file could not be read
  std::string reason;                    // one line: what it names or does
  std::vector<std::string> disassembly;  // a few lines around the offset
};
struct Judgement {
  StatePath path;
  Verdict verdict = Verdict::accept;
  std::vector<Concern> concerns;  // at most 20, worst first
};
/// Judges every file whatever it is called. Cost: reads all state files.
POD_API std::vector<Judgement> judge(const Snapshot& snapshot, const Context& context = {});

}  // namespace pod
