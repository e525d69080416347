// The rules' text, a line at a time. The grammar stands in FORMATS.md.

#include "metamodel/rules.hpp"

#include "metamodel/rule_set.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <algorithm>
#include <utility>

namespace pod::metamodel {
namespace {

using base::is_digits;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line[begin] == '#') return words;
    line.remove_prefix(begin);
    // Spaces between quotes belong to the word.
    std::size_t end = 0;
    for (bool quoted = false; end < line.size() && (quoted || (line[end] != ' ' && line[end] != '\t')); ++end)
      if (line[end] == '"') quoted = !quoted;
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = std::min(text.find(by), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

[[noreturn]] void fail(const std::string& why) { throw Error(ErrorCode::invalid_argument, why); }

Term parse_term(std::string_view text) {
  Term term;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    term.kind = Term::Kind::template_;
    term.text = text.substr(1, text.size() - 2);
    return term;
  }
  static constexpr std::pair<std::string_view, Term::Kind> functions[] = {{"time(", Term::Kind::time},
                                                                          {"len(", Term::Kind::length},
                                                                          {"has(", Term::Kind::present},
                                                                          {"count(", Term::Kind::number}};
  for (const auto& [name, kind] : functions)
    if (text.starts_with(name) && text.ends_with(')')) {
      term.kind = kind;
      text = text.substr(name.size(), text.size() - name.size() - 1);
      break;
    }
  term.pattern = Pattern::parse(text);
  return term;
}

Expression parse_expression(std::string_view text) {
  Expression expression;
  for (const std::string_view part : split(text, '|')) expression.push_back(parse_term(part));
  return expression;
}

Sum parse_sum(std::string_view text) {
  Sum sum;
  for (const std::string_view part : split(text, '+')) sum.push_back(Pattern::parse(part));
  return sum;
}

/// "name=rest", or just what names itself by its last step: "@_fifo_queue" is "fifo_queue".
std::pair<std::string, std::string_view> parse_named(std::string_view word) {
  if (const std::size_t equals = word.find('='); equals != std::string_view::npos && word.front() != '"')
    return {std::string(word.substr(0, equals)), word.substr(equals + 1)};
  const Pattern pattern = Pattern::parse(split(word, '|').front());
  if (pattern.steps.empty()) fail("a field that shows itself needs a name");
  std::string_view name = pattern.steps.back().name;
  while (name.starts_with('_')) name.remove_prefix(1);
  if (name.empty()) fail("a field without a name needs one: name=" + std::string(word));
  return {std::string(name), word};
}

Condition parse_condition(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) fail("a condition is PATH=GLOB");
  const std::string_view subject = word.substr(0, equals);
  Condition condition{.pattern = {}, .glob = std::string(word.substr(equals + 1))};
  if (subject == ":key")
    condition.subject = Condition::Subject::key;
  else if (subject == ":class")
    condition.subject = Condition::Subject::class_name;
  else
    condition.pattern = Pattern::parse(subject);
  return condition;
}

FieldRule parse_field(std::string_view word) {
  FieldRule rule;
  if (const std::size_t equals = word.find('='); equals != std::string_view::npos) {
    rule.glob = word.substr(equals + 1);
    word = word.substr(0, equals);
  }
  if (word.starts_with(':')) {
    const std::size_t slash = word.find('/');
    if (slash == std::string_view::npos) fail("a class holds a field: :Class/field");
    rule.class_name = word.substr(1, slash - 1);
    word.remove_prefix(slash + 1);
  }
  rule.pattern = Pattern::parse(word);
  if (rule.pattern.from_store || rule.pattern.steps.empty()) fail("a field's path starts with a name");
  return rule;
}

class Reader {
 public:
  explicit Reader(Rules::Impl& rules) : rules_(rules) {}

  void line(std::string_view text) {
    const std::vector<std::string_view> words = words_of(text);
    if (words.empty()) return;
    const std::string_view verb = words.front();
    const std::vector<std::string_view> rest(words.begin() + 1, words.end());
    if (rest.empty()) fail("\"" + std::string(verb) + "\" says nothing");
    if (verb == "rules")
      rules_.number = number(rest.front());
    else if (verb == "service")
      service(rest);
    else if (verb == "resource")
      resource(rest);
    else if (service_ == nullptr)
      fail("a service comes first");
    else if (!of_everywhere(verb, rest) && !of_service(verb, rest) && !of_resource(verb, rest))
      fail("nobody knows " + quote(verb) + " here");
  }

 private:
  static int number(std::string_view word) {
    if (!is_digits(word) || word.size() > 9) fail("the rules' number is none");
    return std::stoi(std::string(word));
  }
  void service(const std::vector<std::string_view>& names) {
    resource_ = nullptr;
    everywhere_ = names.front() == "*";
    service_ = everywhere_ ? &rules_.everywhere : &rules_.services[std::string(names.front())];
    if (names.size() > 1) fail("one service at a time");
  }
  void resource(const std::vector<std::string_view>& words) {
    if (service_ == nullptr || everywhere_) fail("a resource belongs to a service");
    if (words.size() != 2) fail("a resource is TYPE PATH");
    ResourceRule rule;
    rule.type = words[0];
    rule.pattern = Pattern::parse(words[1]);
    if (rule.pattern.from_store || rule.pattern.steps.empty())
      fail("a resource's path starts at the store, with a name");
    resource_ = &service_->resources.emplace_back(std::move(rule));
  }
  bool of_everywhere(std::string_view verb, const std::vector<std::string_view>& words) {
    if (!everywhere_) return false;
    if (verb == "store") {
      if (words.size() != 2) fail("a store is CLASS PATH");
      rules_.stores.push_back({std::string(words[0]), Pattern::parse(words[1])});
    } else if (verb == "secret-names") {
      for (const std::string_view word : words) rules_.secret_names.emplace_back(word);
    } else if (verb == "open-names") {
      for (const std::string_view word : words) rules_.open_names.emplace_back(word);
    } else {
      return false;
    }
    return true;
  }
  bool of_service(std::string_view verb, const std::vector<std::string_view>& words) {
    const auto add_fields = [&](std::vector<FieldRule>& fields) {
      for (const std::string_view word : words) fields.push_back(parse_field(word));
    };
    if (verb == "hide")
      service_->hidden.insert(service_->hidden.end(), words.begin(), words.end());
    else if (verb == "secret")
      add_fields(service_->secrets);
    else if (verb == "secret-keys")
      add_fields(service_->secret_keys);
    else if (verb == "volatile")
      add_fields(service_->changing);
    else
      return false;
    return true;
  }
  bool of_resource(std::string_view verb, const std::vector<std::string_view>& words) {
    if (resource_ == nullptr) return false;
    if (verb == "id" || verb == "arn") {
      if (words.size() != 1) fail(quote(verb) + " is one expression");
      (verb == "id" ? resource_->id : resource_->arn) = parse_expression(words.front());
    } else if (verb == "show") {
      for (const std::string_view word : words) {
        auto [name, expression] = parse_named(word);
        resource_->shown.push_back({std::move(name), parse_expression(expression)});
      }
    } else if (verb == "count") {
      for (const std::string_view word : words) {
        auto [name, sum] = parse_named(word);
        resource_->counts.push_back({std::move(name), parse_sum(sum)});
      }
    } else if (verb == "bytes") {
      for (const std::string_view word : words)
        for (Pattern& pattern : parse_sum(word)) resource_->bytes.push_back(std::move(pattern));
    } else if (verb == "tags" || verb == "refs") {
      for (const std::string_view word : words)
        (verb == "tags" ? resource_->tags : resource_->references).push_back(Pattern::parse(word));
    } else if (verb == "only" || verb == "keep" || verb == "skip" || verb == "stock") {
      auto& conditions = verb == "only"   ? resource_->only
                         : verb == "keep" ? resource_->keep
                         : verb == "skip" ? resource_->skip
                                          : resource_->stock;
      for (const std::string_view word : words) conditions.push_back(parse_condition(word));
    } else {
      return false;
    }
    return true;
  }

  Rules::Impl& rules_;
  ServiceRules* service_ = nullptr;
  ResourceRule* resource_ = nullptr;
  bool everywhere_ = false;
};

/// The path that a rule's pattern stands for, with a made-up name for each `*`.
std::string example_path(const Pattern& resource, const Pattern& field) {
  std::string path;
  const auto add = [&](const PatternStep& step) {
    switch (step.kind) {
      case PatternStep::Kind::attribute: path += "/@" + step.name; break;
      case PatternStep::Kind::name: path += "/" + step.name; break;
      case PatternStep::Kind::secret: path += "/@secret"; break;
      default: path += "/x";
    }
  };
  if (!field.from_store)
    for (const PatternStep& step : resource.steps) add(step);
  for (const PatternStep& step : field.steps) add(step);
  return path;
}

/// Rules that would show a secret's value are refused with the line they stand in.
void check_secrets(const Rules& rules, std::string_view service, const ResourceRule& rule) {
  const auto check = [&](const Pattern& field) {
    const std::string path = example_path(rule.pattern, field);
    const std::string_view class_name = rule.pattern.steps.back().class_name;
    for (const std::string& shown : {path, path.substr(0, path.rfind('/')) + "/@" + path.substr(path.rfind('/') + 1)})
      if (rules.is_secret({.service = service, .class_name = class_name, .path = shown, .text = {}, .leaf = true}))
        fail(quote(rule.type) + " of " + quote(service) + " would show the secret " + quote(path));
  };
  const auto check_all = [&](const Expression& expression) {
    for (const Term& term : expression)
      if (term.kind == Term::Kind::value || term.kind == Term::Kind::time) check(term.pattern);
  };
  check_all(rule.id);
  check_all(rule.arn);
  for (const Shown& shown : rule.shown) check_all(shown.value);
  for (const Pattern& pattern : rule.references) check(pattern);
}

}  // namespace

Rules::Rules(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Rules::~Rules() = default;
Rules::Rules(Rules&&) noexcept = default;
Rules& Rules::operator=(Rules&&) noexcept = default;

Rules Rules::parse(std::string_view text, std::string_view what) {
  auto impl = std::make_unique<Impl>();
  Reader reader(*impl);
  std::size_t line = 0;
  for (const std::string_view part : split(text, '\n')) {
    ++line;
    try {
      reader.line(part);
    } catch (Error& error) {
      error.within(quote(what) + " is no set of rules: line " + std::to_string(line));
      throw;
    }
  }
  Rules rules(std::move(impl));
  for (const auto& [service, its] : rules.impl().services)
    for (const ResourceRule& rule : its.resources) check_secrets(rules, service, rule);
  return rules;
}

const Rules& Rules::built_in() {
  static const Rules rules = parse(built_in_rules, "the built-in rules");
  return rules;
}

int Rules::number() const noexcept { return impl_->number; }

}  // namespace pod::metamodel
