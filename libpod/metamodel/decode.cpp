// A model's file read again. It may be a stranger's: names must ascend, as canonical JSON has them, so none is there
// twice and the resources come out sorted.

#include "metamodel/clean_text.hpp"
#include "metamodel/model_file.hpp"

#include <libpod/error.hpp>

#include "json/scanner.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace pod::metamodel {
namespace {

constexpr std::uint64_t most_bytes = 256ull << 20;
constexpr std::size_t most_resources = 500'000;

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

class Reader {
 public:
  Reader(std::string_view file, std::string what) : what_(std::move(what)), in_(file, what_) {}

  void read(ModelFile& model) {
    StateReading& reading = model.reading;
    bool digest = false;
    bool format = false;
    bool rules = false;
    bool verdict = false;
    members([&](std::string_view name) {
      if (name == "bytes") {
        reading.bytes = in_.size();
      } else if (name == "digest") {
        reading.digest = hex(64);
        digest = true;
      } else if (name == "format") {
        check_format(in_.size());
        format = true;
      } else if (name == "kind") {
        reading.format = in_.text();
      } else if (name == "not_read") {
        reading.not_read = in_.text();
      } else if (name == "resources") {
        read_resources(reading.resources);
      } else if (name == "rules") {
        model.rules = static_cast<int>(std::min<std::uint64_t>(in_.size(), 999'999'999));
        rules = true;
      } else if (name == "unmapped") {
        read_sizes(reading.unmapped);
      } else if (name == "verdict") {
        reading.verdict = read_verdict();
        verdict = true;
      } else if (name < "format") {
        in_.skip();  // the format's number comes behind it and says whether it may be there
        strange_ = true;
      } else {
        fail_member(name);
      }
    });
    in_.end();
    if (!digest || !format || !rules || !verdict || strange_)
      in_.fail("it is no model: members are missing or nobody knows them");
  }

 private:
  /// Calls `read` with the name of each member, which are in ascending order.
  template <class Read>
  void members(Read&& read) {
    std::string last;
    bool first = true;
    in_.begin_object();
    while (const auto name = in_.next_member()) {
      if (!first && *name <= last) in_.fail("its names are not in order");
      first = false;
      last.assign(*name);
      read(std::string_view(last));
    }
  }
  [[noreturn]] void fail_member(std::string_view name) const { in_.fail("it has a member " + quote(name)); }

  void check_format(std::uint64_t number) const {
    if (number == 0) in_.fail("its format is 0");
    if (number > static_cast<std::uint64_t>(model_format))
      throw Error(ErrorCode::incompatible, quote(what_) + " has the format " + std::to_string(number) +
                                               ", newer than " + std::to_string(model_format))
          .hint("use a newer podgit");
  }
  std::string hex(std::size_t digits) {
    const std::string_view text = in_.text();
    if (!is_hex(text, digits)) in_.fail("a digest is none");
    return std::string(text);
  }
  Verdict read_verdict() {
    const std::string_view text = in_.text();
    for (const auto& [verdict, name] : verdict_names)
      if (text == name) return verdict;
    in_.fail("it has a verdict " + quote(text));
  }

  void read_resources(std::vector<Resource>& resources) {
    members([&](std::string_view type) {
      members([&](std::string_view id) {
        if (resources.size() == most_resources)
          throw Error(ErrorCode::refused,
                      quote(what_) + " has more than " + std::to_string(most_resources) + " resources");
        Resource& resource = resources.emplace_back();
        resource.type = type;
        resource.id = id;
        read_resource(resource);
      });
    });
  }
  void read_resource(Resource& resource) {
    bool path = false;
    members([&](std::string_view name) {
      if (name == "arn") {
        resource.arn = in_.text();
      } else if (name == "attrs") {
        read_texts(resource.attributes);
      } else if (name == "bytes") {
        resource.bytes = in_.size();
      } else if (name == "counts") {
        read_sizes(resource.counts);
      } else if (name == "digest") {
        resource.digest = hex(32);
      } else if (name == "path") {
        resource.path = in_.text();
        path = true;
      } else if (name == "refs") {
        in_.begin_array();
        while (in_.next_element()) resource.references.emplace_back(in_.text());
      } else if (name == "tags") {
        read_texts(resource.tags);
      } else {
        fail_member(name);
      }
    });
    if (!path || resource.digest.empty()) in_.fail("a resource has no path or no digest");
  }
  void read_texts(std::vector<std::pair<std::string, std::string>>& pairs) {
    pairs.reserve(4);
    members([&](std::string_view name) {
      pairs.emplace_back(std::string(name), std::string());
      pairs.back().second = in_.text();
    });
  }
  void read_sizes(std::vector<std::pair<std::string, std::uint64_t>>& pairs) {
    members([&](std::string_view name) {
      pairs.emplace_back(std::string(name), 0);
      pairs.back().second = in_.size();
    });
  }

  std::string what_;
  json::Scanner in_;
  bool strange_ = false;
};

}  // namespace

std::string_view name_of(Verdict verdict) {
  for (const auto& [known, name] : verdict_names)
    if (known == verdict) return name;
  return "refuse";
}

std::string clean_reason(std::string_view reason) {
  // What was cleaned once stays as it is, although escapes may have made it longer.
  return reason.size() <= 8 * most_name && clean(reason, reason.size()) == reason ? std::string(reason)
                                                                                  : clean(reason, most_name);
}

ModelFile decode(std::string_view file, const StatePath& path) {
  const std::string what = "the metamodel of " + path.str();
  if (file.size() > most_bytes)
    throw Error(ErrorCode::refused, quote(what) + " has more than " + std::to_string(most_bytes) + " bytes");
  const Place place = place_of(path);
  ModelFile model{
      .rules = 0,
      .reading = {.path = path, .account = place.account, .region = place.region, .service = place.service}};
  Reader(file, what).read(model);
  return model;
}

}  // namespace pod::metamodel
