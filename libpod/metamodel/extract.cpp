// Rules and a tree give resources.

#include "document/values.hpp"
#include "metamodel/metamodel.hpp"
#include "metamodel/pattern_walk.hpp"
#include "metamodel/rule_set.hpp"
#include "metamodel/value_text.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace pod::metamodel {
namespace {

using document::Edge;
using document::Kind;
using document::NodeId;
using document::Step;
using document::Tree;
using document::Value;

constexpr std::size_t most_resources = 500'000;
constexpr std::size_t most_path = 16 * 1024;
constexpr std::size_t most_tags = 200;
constexpr std::size_t most_references = 64;
constexpr std::size_t most_found = 4096;  // before they are sorted and cut

std::uint64_t saturated_sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

/// One store: a backend of one account and region.
struct Store {
  Value root;
  std::string account;
  std::string region;
  std::string prefix;  // of ids, where a document holds several stores
};

class Extraction {
 public:
  Extraction(const Tree& tree, const Place& place, const Rules& rules)
      : tree_(tree), place_(place), rules_(rules), walk_(tree) {
    // Every edge stands in the file; rules lay a resource into another at most a few deep.
    steps_left_ = 16 * static_cast<std::uint64_t>(tree.graph().file().size()) + 1'000'000;
  }

  StateModel run() {
    const ServiceRules* rules = rules_.impl().find(place_.service);
    for (const Store& store : stores()) {
      if (rules != nullptr)
        for (const ResourceRule& rule : rules->resources) resources_of(store, rule);
      unmapped_of(store, rules);
    }
    finish_references();
    return {sorted_resources(), {unmapped_.begin(), unmapped_.end()}};
  }

 private:
  /// What names in patterns and templates stand for: one a resource.
  struct Context {
    const Store& store;
    Value value;
    const std::vector<std::string>& stars;
    const Resource* made = nullptr;
    PatternWalk::Variable variable = {};
  };

  std::vector<Store> stores() {
    const Value root = tree_.root();
    const auto name = root.is_node() ? document::class_of(tree_.graph(), root) : std::nullopt;
    if (name)
      for (const StoreRule& rule : rules_.impl().stores)
        if (rule.class_name == name->name) return stores_below(rule.pattern);
    return {store_at(root, place_.account, place_.region, "")};
  }
  std::vector<Store> stores_below(const Pattern& pattern) {
    std::vector<Store> found;
    walk_.each(tree_.root(), pattern, {}, [&](const Hit& hit, const std::vector<std::string>& stars) {
      std::string prefix;
      for (const std::string& star : stars) prefix += clean(star, most_name) + "/";
      found.push_back(store_at(hit.value, stars.empty() ? "" : stars[0], stars.size() < 2 ? "" : stars[1], prefix));
      return found.size() < 10'000;
    });
    return found;
  }
  Store store_at(Value root, std::string account, std::string region, std::string prefix) {
    const auto field = [&](const char* name) {
      const auto hit = walk_.first(root, Pattern::parse(name), {});
      return hit ? text_of(tree_, hit->value) : std::nullopt;
    };
    if (account.empty()) account = field("account_id").value_or("");
    if (region.empty()) region = field("region_name").value_or("");
    return {root, std::move(account), std::move(region), std::move(prefix)};
  }

  // A resource.

  void resources_of(const Store& store, const ResourceRule& rule) {
    // Stores may share a collection: what one has listed, another has not.
    std::unordered_set<NodeId>& seen = seen_[&rule];
    walk_.each(store.root, rule.pattern, {}, [&](const Hit& hit, const std::vector<std::string>& stars) {
      if (hit.value.kind() == Kind::none) return true;
      if (!tree_.is_leaf(hit.value) && !seen.insert(hit.value.node()).second) return true;
      Context context{.store = store, .value = hit.value, .stars = stars};
      context.variable = [this, &context](std::string_view name) { return variable(name, context); };
      const auto holds_here = [&](const Condition& condition) { return holds(condition, context); };
      if (!std::all_of(rule.only.begin(), rule.only.end(), holds_here)) return true;
      if (!std::all_of(rule.keep.begin(), rule.keep.end(), holds_here) ||
          std::any_of(rule.skip.begin(), rule.skip.end(), holds_here))
        ++unmapped_[store.prefix + rule.type + " (stock)"];
      else if (resources_.size() == most_resources)
        ++unmapped_[store.prefix + rule.type + " (more)"];
      else
        add(rule, hit, context);
      return true;
    });
  }

  void add(const ResourceRule& rule, const Hit& hit, Context& context) {
    Resource resource;
    resource.type = rule.type;
    resource.path = tree_.is_leaf(hit.value) ? tree_.path(hit.parent, hit.edge) : tree_.path(hit.value);
    if (resource.path.size() > most_path) {
      ++unmapped_[context.store.prefix + rule.type + " (more)"];
      return;
    }
    std::optional<std::string> id;
    if (!rule.id.empty()) id = value_of(rule.id, context);
    if (!id) id = clean(context.stars.empty() ? rule.type : context.stars.back(), most_name);
    resource.id = context.store.prefix + *id;
    context.made = &resource;
    resource.arn = value_of(rule.arn, context).value_or("");
    for (const Shown& shown : rule.shown)
      if (auto text = value_of(shown.value, context); text && !text->empty())
        resource.attributes.emplace_back(shown.name, std::move(*text));
    if (std::any_of(rule.stock.begin(), rule.stock.end(), [&](const auto& sign) { return holds(sign, context); }))
      resource.attributes.emplace_back("stock", "true");
    std::sort(resource.attributes.begin(), resource.attributes.end());
    for (const Counted& counted : rule.counts) {
      std::uint64_t count = 0;
      for (const Pattern& pattern : counted.sum)
        count += walk_.count(start(pattern, context), pattern, context.variable);
      resource.counts.emplace_back(counted.name, count);
    }
    std::sort(resource.counts.begin(), resource.counts.end());
    for (const Pattern& pattern : rule.bytes) add_bytes(resource, pattern, context);
    // What a resource counts elsewhere in the store is its own.
    for (const Counted& counted : rule.counts)
      for (const Pattern& pattern : counted.sum)
        if (pattern.from_store && pattern.steps.front().kind == PatternStep::Kind::variable)
          if (auto name = variable(pattern.steps.front().name, context)) covered_.insert(std::move(*name));
    add_tags(resource, rule, context);
    const std::size_t index = resources_.size();
    if (hit.value.is_node() && !tree_.is_leaf(hit.value)) by_node_.try_emplace(hit.value.node(), index);
    find_references(resource, hit, rule, context, index);
    resource.digest = tree_.subtree_digest(hit.value);
    resources_.push_back(std::move(resource));
  }

  void add_bytes(Resource& resource, const Pattern& pattern, const Context& context) {
    walk_.each(start(pattern, context), pattern, context.variable, [&](const Hit& hit, const auto&) {
      resource.bytes = saturated_sum(resource.bytes, size_of(tree_, hit.value));
      return true;
    });
  }

  void add_tags(Resource& resource, const ResourceRule& rule, const Context& context) {
    std::map<std::string, std::string> tags;
    for (const Pattern& pattern : rule.tags) {
      const auto hit = walk_.first(start(pattern, context), pattern, context.variable);
      if (!hit) continue;
      tree_.edges(hit->value, [&](const Edge& edge) {
        if (edge.step.kind == Step::Kind::key) {
          if (const auto name = tree_.label_text(edge.step))
            put_tag(tags, *name, text_of(tree_, edge.target, most_name));
        } else if (edge.step.kind == Step::Kind::index) {
          put_pair(tags, edge.target);
        }
        return tags.size() < most_tags;
      });
    }
    resource.tags.assign(tags.begin(), tags.end());
  }
  /// {"Key": …, "Value": …}, as most services list tags.
  void put_pair(std::map<std::string, std::string>& tags, Value pair) {
    std::optional<std::string> name;
    std::optional<std::string> value;
    tree_.edges(pair, [&](const Edge& edge) {
      const auto label = tree_.label_text(edge.step);
      if (!label || label->size() > 16) return true;
      const std::string word = base::lower(*label);
      if (word == "key" || word == "tagkey") name = text_of(tree_, edge.target, most_name);
      if (word == "value" || word == "tagvalue") value = text_of(tree_, edge.target, most_name);
      return true;
    });
    if (name) put_tag(tags, *name, value);
  }
  void put_tag(std::map<std::string, std::string>& tags, std::string_view name,
               const std::optional<std::string>& value) {
    const std::string text = value.value_or("");
    tags[clean(name, most_name)] = rules_.impl().is_secret_name(name) ? mask(text) : text;
  }

  // Expressions.

  Value start(const Pattern& pattern, const Context& context) const {
    return pattern.from_store ? context.store.root : context.value;
  }

  std::optional<std::string> variable(std::string_view name, const Context& context) {
    if (name.starts_with('/')) {
      const auto rest = variable(name.substr(1), context);
      return rest && !rest->starts_with('/') ? "/" + *rest : rest;
    }
    if (name == "account" || name == "region") {
      const std::string& known = name == "account" ? context.store.account : context.store.region;
      return known.empty() ? std::nullopt : std::optional(known);
    }
    if (name.ends_with(":tail")) {
      const auto whole = variable(name.substr(0, name.size() - 5), context);
      return whole ? std::optional(whole->substr(whole->find_last_of(":/") + 1)) : std::nullopt;
    }
    if (name == "id" && context.made != nullptr) return context.made->id.substr(context.store.prefix.size());
    if (name == "arn" && context.made != nullptr) return context.made->arn;
    if (name == "partition") {
      const auto hit = walk_.first(context.store.root, partition_, {});
      return hit ? text_of(tree_, hit->value) : "aws";
    }
    if (name.size() == 1 && base::is_digit(name[0])) {
      const auto star = static_cast<std::size_t>(name[0] - '0');
      if (star == 0 || star > context.stars.size()) return std::nullopt;
      return context.stars[star - 1];
    }
    const auto hit = walk_.first(context.value, Pattern::parse(name), {});
    return hit ? text_of(tree_, hit->value, most_name) : std::nullopt;
  }

  std::optional<std::string> value_of(const Expression& expression, const Context& context) {
    for (const Term& term : expression)
      if (auto text = value_of(term, context)) return text;
    return std::nullopt;
  }
  std::optional<std::string> value_of(const Term& term, const Context& context) {
    if (term.kind == Term::Kind::template_) return fill(term.text, context);
    if (term.kind == Term::Kind::number)
      return std::to_string(walk_.count(start(term.pattern, context), term.pattern, context.variable));
    const auto hit = walk_.first(start(term.pattern, context), term.pattern, context.variable);
    if (!hit) return std::nullopt;
    switch (term.kind) {
      case Term::Kind::time: return time_of(tree_, hit->value);
      case Term::Kind::length:
        if (hit->value.kind() == Kind::none) return std::nullopt;
        return std::to_string(size_of(tree_, hit->value)) + " bytes";
      case Term::Kind::present: return is_something(hit->value) ? std::optional<std::string>("yes") : std::nullopt;
      default: return text_of(tree_, hit->value);
    }
  }
  bool is_something(Value value) const {
    switch (value.kind()) {
      case Kind::none: return false;
      case Kind::boolean: return tree_.graph().boolean(value);
      case Kind::text:
      case Kind::bytes: return !tree_.graph().bytes(value).empty();
      default: return tree_.is_leaf(value) || tree_.edge_count(value) > 0;
    }
  }
  /// Nothing where one of the names stands for nothing.
  std::optional<std::string> fill(std::string_view text, const Context& context) {
    std::string out;
    while (true) {
      const std::size_t open = std::min(text.find('{'), text.size());
      out += text.substr(0, open);
      if (open == text.size()) return clean(out, most_name);
      const std::size_t close = std::min(text.find('}', open), text.size());
      const auto value = variable(text.substr(open + 1, close - open - 1), context);
      if (!value) return std::nullopt;
      out += *value;
      text.remove_prefix(std::min(close + 1, text.size()));
    }
  }
  bool holds(const Condition& condition, const Context& context) {
    const auto glob =
        condition.glob.find('{') == std::string::npos ? std::optional(condition.glob) : fill(condition.glob, context);
    if (!glob) return false;
    bool found = false;
    switch (condition.subject) {
      case Condition::Subject::key: return !context.stars.empty() && matches_glob(*glob, context.stars.back());
      case Condition::Subject::class_name: {
        const auto name = context.value.is_node() ? document::class_of(tree_.graph(), context.value) : std::nullopt;
        return name && matches_glob(*glob, name->name);
      }
      case Condition::Subject::field:
        walk_.each(start(condition.pattern, context), condition.pattern, context.variable,
                   [&](const Hit& hit, const auto&) {
                     found = matches_glob(*glob, text_of(tree_, hit.value).value_or(""));
                     return !found;
                   });
    }
    return found;
  }

  // References.

  void find_references(const Resource& resource, const Hit& hit, const ResourceRule& rule, const Context& context,
                       std::size_t index) {
    std::set<std::string> found;
    std::unordered_set<NodeId> linked;
    const auto add_text = [&](std::string text) {
      if (found.size() < most_found && !is_own(resource, text)) found.insert(std::move(text));
    };
    for (const Pattern& pattern : rule.references)
      walk_.each(start(pattern, context), pattern, context.variable, [&](const Hit& named, const auto&) {
        if (auto text = text_of(tree_, named.value, most_name); text && !text->empty()) add_text(std::move(*text));
        return found.size() < most_found;
      });
    std::vector<Value> open{hit.value};
    while (!open.empty()) {
      const Value value = open.back();
      open.pop_back();
      tree_.edges(value, [&](const Edge& edge) {
        if (steps_left_ == 0)
          throw Error(ErrorCode::refused, "its resources lie in one another too often to be listed");
        --steps_left_;
        const Kind kind = edge.target.kind();
        if (kind == Kind::text) {
          const std::string_view text = tree_.graph().text(edge.target);
          if (is_arn(text) && !is_own(resource, text) && !lies_in_secret(value, edge, text))
            add_text(std::string(text));
        } else if (kind == Kind::persistent) {
          if (auto text = reference_of(tree_, edge.target)) add_text(std::move(*text));
        } else if (edge.target.is_node() && !tree_.is_leaf(edge.target)) {
          if (!tree_.is_reference(value, edge))
            open.push_back(edge.target);
          else if (linked.size() < most_found && linked.insert(edge.target.node()).second)
            links_.emplace_back(index, edge.target.node());
        }
        return true;
      });
    }
    references_.push_back(std::move(found));
  }
  /// The resource itself, or a part of it by its own name.
  static bool is_own(const Resource& resource, std::string_view text) {
    if (resource.arn.empty() || !text.starts_with(resource.arn)) return false;
    const std::string_view rest = text.substr(resource.arn.size());
    return rest.empty() || rest.front() == ':' || rest.front() == '/';
  }
  bool lies_in_secret(Value parent, const Edge& edge, std::string_view text) const {
    const auto name = document::class_of(tree_.graph(), parent);
    const std::string path = tree_.path(parent, edge);
    return rules_.is_secret({.service = place_.service,
                             .class_name = name ? name->name : std::string_view{},
                             .path = path,
                             .text = text,
                             .leaf = true});
  }
  void finish_references() {
    for (const auto& [from, node] : links_)
      if (const auto to = by_node_.find(node); to != by_node_.end() && to->second != from)
        if (const std::string& arn = resources_[to->second].arn; !arn.empty() && !is_own(resources_[from], arn))
          references_[from].insert(arn);
    for (std::size_t at = 0; at < resources_.size(); ++at)
      for (const std::string& text : references_[at]) {
        if (resources_[at].references.size() == most_references) break;
        resources_[at].references.push_back(text);
      }
  }

  // The rest.

  void unmapped_of(const Store& store, const ServiceRules* rules) {
    const auto is_mapped = [&](std::string_view name) {
      if (rules == nullptr) return false;
      return std::any_of(rules->resources.begin(), rules->resources.end(),
                         [&](const ResourceRule& rule) { return rule.pattern.steps.front().name == name; });
    };
    const auto is_hidden = [&](std::string_view name) {
      const auto in = [&](const ServiceRules& its) {
        return std::any_of(its.hidden.begin(), its.hidden.end(),
                           [&](const std::string& glob) { return matches_glob(glob, name); });
      };
      return in(rules_.impl().everywhere) || (rules != nullptr && in(*rules));
    };
    const auto count = [&](const std::string& name, Value value) {
      const std::size_t items = tree_.is_leaf(value) ? 0 : tree_.item_count(value);
      if (items > 0) unmapped_[store.prefix + name] += items;
      return items > 0;
    };
    tree_.edges(store.root, [&](const Edge& edge) {
      if (unmapped_.size() > 1000) return false;
      const auto label = tree_.label_text(edge.step);
      if (!label || !edge.target.is_node() || is_mapped(*label) || is_hidden(*label)) return true;
      const std::string name = clean(*label, most_text);
      if (covered_.contains(name)) return true;
      if (count(name, edge.target) || tree_.is_leaf(edge.target)) return true;
      // An object that only wraps collections.
      tree_.edges(edge.target, [&](const Edge& inner) {
        const auto inner_label = tree_.label_text(inner.step);
        if (inner_label && inner.step.kind == Step::Kind::attribute && inner.target.is_node() &&
            !is_hidden(*inner_label))
          count(name + "/" + clean(*inner_label, most_text), inner.target);
        return true;
      });
      return true;
    });
  }

  std::vector<Resource> sorted_resources() {
    const auto less = [](const Resource& a, const Resource& b) {
      return std::tie(a.type, a.id, a.path) < std::tie(b.type, b.id, b.path);
    };
    const auto twin = [](const Resource& a, const Resource& b) { return a.type == b.type && a.id == b.id; };
    if (!std::is_sorted(resources_.begin(), resources_.end(), less))
      std::sort(resources_.begin(), resources_.end(), less);
    bool any = false;
    for (std::size_t at = 1; at < resources_.size(); ++at) {
      std::size_t end = at;
      while (end < resources_.size() && twin(resources_[at - 1], resources_[end])) ++end;
      for (; at < end; ++at, any = true) resources_[at].id += " at " + clean(resources_[at].path, most_name);
    }
    if (any) {
      std::sort(resources_.begin(), resources_.end(), less);
      resources_.erase(std::unique(resources_.begin(), resources_.end(), twin), resources_.end());
    }
    return std::move(resources_);
  }

  const Tree& tree_;
  const Place& place_;
  const Rules& rules_;
  PatternWalk walk_;
  const Pattern partition_ = Pattern::parse("partition");
  std::uint64_t steps_left_;
  std::unordered_map<const ResourceRule*, std::unordered_set<NodeId>> seen_;
  std::vector<Resource> resources_;
  std::vector<std::set<std::string>> references_;      // of each resource
  std::vector<std::pair<std::size_t, NodeId>> links_;  // from a resource to an object that is at home elsewhere
  std::unordered_map<NodeId, std::size_t> by_node_;
  std::unordered_set<std::string> covered_;
  std::map<std::string, std::uint64_t> unmapped_;
};

}  // namespace

StateModel extract(const Tree& tree, const Place& place, const Rules& rules) {
  return Extraction(tree, place, rules).run();
}

}  // namespace pod::metamodel
