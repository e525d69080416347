// Paths in rules: which way from one value of a document's tree to others.
//
//   queues/*            every item below the key or attribute "queues"
//   _parameters/*/-1    the last element of every item
//   items/*:Item        those items that are objects of a class called Item
//   /tagger/tags/{arn}  from the store on, not from the resource; {arn} is the resource's
//
//   step      goes along
//   name      the attribute or else the key of that name
//   @name     the attribute alone
//   *         every key, index and member (not attributes)
//   3, -1     the element at that place; from the end
//   !0        the argument of the call or object
//   {name}    the key that is what a resource is called: {id}, {arn}, {1}, … (the first `*` of the resource's path)
//   {secret}  every attribute and key whose name says that it holds a secret
//   .         nowhere: the value itself (only alone)
//
// Behind a step `:Class` lets through only objects of a class of that name, whatever its module.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pod::metamodel {

struct PatternStep {
  enum class Kind : std::uint8_t { name, attribute, any, index, argument, variable, secret };
  Kind kind = Kind::name;
  std::string name;
  std::int32_t index = 0;
  std::string class_name;  // empty: any
};

struct Pattern {
  bool from_store = false;
  std::vector<PatternStep> steps;

  static constexpr std::size_t most_steps = 16;
  /// Error(invalid_argument)
  static Pattern parse(std::string_view text);
};

/// `*` stands for any bytes.
bool matches_glob(std::string_view glob, std::string_view text);

/// One step of a tree's path, unescaped.
struct PathStep {
  enum class Kind : std::uint8_t { key, attribute, other };
  Kind kind = Kind::key;
  std::string name;
};
/// Of "/queues/a~2fb/@tags": key "queues", key "a/b", attribute "tags". At most `most`, the first ones.
std::vector<PathStep> split_path(std::string_view path, std::size_t most = 64);

}  // namespace pod::metamodel
