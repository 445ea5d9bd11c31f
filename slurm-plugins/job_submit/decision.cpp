// SPDX-License-Identifier: GPL-2.0-or-later
#include "decision.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "vesc/base/duration.hpp"
#include "vesc/forming/tiers.hpp"
#include "vesc/snapshot/snapshot.hpp"

namespace vesc::plugin {
namespace {

Decision refuse(Verdict verdict, std::string message) {
  return {verdict, std::nullopt, std::nullopt, "vesc: " + std::move(message)};
}

bool may_use_several_nodes(const Request& request) {
  if (request.nodes_max == 1) return false;
  return request.nodes_min > 1 || request.tasks > 1 || request.nodes_max > 1;
}

bool fits(const Slot& slot, const Request& request) {
  auto has = [&](const std::string& name) {
    return std::ranges::binary_search(slot.members, name);
  };
  auto left_out = static_cast<std::uint32_t>(std::ranges::count_if(request.nodes_excluded, has));
  return slot.nodes >= request.nodes_min + left_out &&
         std::ranges::all_of(request.nodes_wanted, has) &&
         slot.cpus >= std::uint64_t{request.tasks} * request.cpus_per_task;
}

// Slots at or below limit_us (0: any) that can hold the request, in the view's order.
std::vector<const Slot*> fitting(const View& view, const Request& request, std::uint32_t limit_us) {
  std::vector<const Slot*> slots;
  for (const Slot& slot : view.slots) {
    if (limit_us != 0 && slot.tier_us > limit_us) continue;
    // As good as "anywhere", and one alternative less to test.
    if (limit_us == 0 && slot.holds_all) continue;
    if (fits(slot, request)) slots.push_back(&slot);
    if (slots.size() == view.alternatives_max) break;
  }
  return slots;
}

// slurmctld refuses a longer constraint (job_mgr.c, _test_strlen: 1024).
constexpr std::size_t kConstraintBytesMax = 1000;

std::string written(const std::string& user_part, const std::vector<const Slot*>& slots,
                    std::uint32_t limit_us) {
  std::string end =
      (limit_us != 0 ? snapshot::limit_feature(limit_us) : snapshot::kAnywhereFeature) +
      std::string("]");
  std::string text = user_part.empty() ? "[" : user_part + "&[";
  for (const Slot* slot : slots) {
    if (text.size() + slot->feature.size() + 1 + end.size() > kConstraintBytesMax) break;
    text += slot->feature + "|";
  }
  return text + end;
}

bool placed_by_default(const Constraint& constraint) {
  for (const std::string* text : {&constraint.prefer, &constraint.features}) {
    if (auto job = parse_written(*text); job && job->limit_us == 0) return true;
  }
  return false;
}

bool is_plain(std::string_view features) {
  return features.find_first_of("[]|*()") == std::string_view::npos;
}

bool names_ours(std::string_view features) {
  return features.find("vesc_") != std::string_view::npos;
}

std::string wanted(const Request& request) {
  if (!request.nodes_wanted.empty())
    return fmt::format("{} nodes with those of --nodelist",
                       std::max<std::size_t>(request.nodes_min, request.nodes_wanted.size()));
  if (request.nodes_min > 1) return fmt::format("{} nodes", request.nodes_min);
  return fmt::format("{} CPUs", std::uint64_t{request.tasks} * request.cpus_per_task);
}

std::string too_large(const View& view, const Request& request, std::uint32_t limit_us) {
  const Slot* largest = nullptr;
  for (const Slot& slot : view.slots) {
    if (slot.tier_us <= limit_us && (largest == nullptr || slot.nodes > largest->nodes))
      largest = &slot;
  }
  auto roomy = std::find_if(view.slots.begin(), view.slots.end(),
                            [&](const Slot& slot) { return fits(slot, request); });
  std::string text = fmt::format("no group of {} has every pair within {}. ", wanted(request),
                                 format_rtt_ms(limit_us));
  text += largest == nullptr
              ? fmt::format("There is no group at all at {}. ", format_rtt_ms(limit_us))
              : fmt::format("The largest group at {} has {} nodes and {} CPUs. ",
                            format_rtt_ms(limit_us), largest->nodes, largest->cpus);
  text += roomy == view.slots.end()
              ? std::string("No limit makes this job fit one group")
              : fmt::format("The smallest limit at which this job fits is --max-rtt={}us",
                            roomy->tier_us);
  return text;
}

std::optional<Decision> expanding_a_promise(const Request& request) {
  if (!request.expands_promised_job) return std::nullopt;
  return refuse(Verdict::kRefuseDependency,
                "that job was promised a round-trip limit and cannot be expanded with other nodes");
}

// What no user flag may do to a job with slots.
std::optional<Decision> ways_round(const Request& request) {
  if (request.spread)
    return refuse(
        Verdict::kRefuseNodes,
        "--spread-job asks for nodes apart, --max-rtt for nodes together. Leave one of them out");
  if (request.contiguous)
    return refuse(Verdict::kRefuseNodes,
                  "--contiguous goes by the order of node names, --max-rtt by distance. Leave one "
                  "of them out");
  if (request.expand)
    return refuse(Verdict::kRefuseDependency,
                  "a job with --max-rtt cannot expand another job: the two would be one allocation "
                  "without a limit");
  // While Slurm tests a preference, the constraint does not count.
  if (!request.prefer.empty())
    return refuse(Verdict::kRefuseFeature,
                  "--prefer takes the place of a constraint and cannot be combined with --max-rtt");
  if (!is_plain(request.features) || names_ours(request.features)) {
    return refuse(Verdict::kRefuseFeature,
                  fmt::format("the constraint '{}' cannot be combined with --max-rtt: use feature "
                              "names joined by '&' only",
                              request.features.substr(0, 200)));
  }
  return std::nullopt;
}

Decision with_limit(const View& view, const Request& request) {
  auto limit = parse_rtt_us(*request.max_rtt);
  if (!limit) return refuse(Verdict::kRefuseFeature, "--max-rtt: " + limit.error().message);
  auto tier = forming::tier_within_us(*limit);
  if (!tier)
    return refuse(Verdict::kRefuseFeature,
                  fmt::format("--max-rtt={}: the tightest limit that is kept apart is {}",
                              *request.max_rtt, format_rtt_ms(forming::kFirstTierUs)));
  if (auto refused = ways_round(request)) return *refused;
  if (!may_use_several_nodes(request)) return {};
  if (!view.usable)
    return refuse(Verdict::kRefuseFeature, "--max-rtt cannot be promised now: " + view.why_not);
  auto slots = fitting(view, request, *tier);
  if (slots.empty()) return refuse(Verdict::kRefuseNodes, too_large(view, request, *tier));
  Decision decision;
  decision.features = written(request.features, slots, *tier);
  if (*tier != *limit)
    decision.message = fmt::format("vesc: --max-rtt={} means the tier of {}, the next below it",
                                   *request.max_rtt, format_rtt_ms(*tier));
  return decision;
}

// The tightest groups first, then anywhere; nothing if that would be no help.
Decision by_default(const View& view, const Request& request) {
  // A held job gets its preference when it is released: see arrange().
  bool ours = view.usable && view.tightest_by_default && !request.held &&
              may_use_several_nodes(request) && is_plain(request.features) &&
              request.prefer.empty() && !request.spread && !request.contiguous && !request.expand;
  if (!ours) return {};
  auto slots = fitting(view, request, 0);
  if (slots.empty()) return {};
  Decision decision;
  (request.compound ? decision.features : decision.prefer) = written(request.features, slots, 0);
  decision.message =
      "vesc: the nearest nodes that are free together are taken; without --max-rtt that may be "
      "anywhere";
  return decision;
}

// A job without a promise is changed: what the default added follows the change.
Decision default_again(const View& view, const Constraint& current, const Update& change) {
  if (!placed_by_default(current)) return {};
  if (change.prefer_given) return {};  // the user's own preference takes its place
  Request request = change.request;
  auto job = parse_written(current.features);
  if (!change.features_given) request.features = job ? job->user_part : current.features;
  request.prefer.clear();
  Decision decision = by_default(view, request);
  decision.message.clear();
  if (decision.verdict == Verdict::kAccept && !decision.features && !decision.prefer) {
    // No group is of use any more: the constraint is the user's alone.
    if (!current.prefer.empty()) decision.prefer = "";
    if (job) decision.features = request.features;
  }
  return decision;
}

}  // namespace

std::size_t alternatives(std::string_view features) {
  std::size_t bars = 0;
  for (char c : features) bars += c == '|' || c == '&' || c == ',';
  return bars + 1;
}

Decision decide(const View& view, const Request& request) {
  for (const std::string* text : {&request.features, &request.prefer}) {
    if (std::size_t count = alternatives(*text); count > kSlurmAlternativesMax) {
      return refuse(Verdict::kRefuseFeature,
                    fmt::format("a constraint of {} features; at most {} are allowed", count,
                                kSlurmAlternativesMax));
    }
  }
  if (auto refused = expanding_a_promise(request)) return *refused;
  if (request.max_rtt) return with_limit(view, request);
  if (names_ours(request.features) || names_ours(request.prefer)) {
    return refuse(
        Verdict::kRefuseFeature,
        "features that begin with vesc_ belong to the scheduler. Ask for nearness with --max-rtt");
  }
  return by_default(view, request);
}

std::optional<Written> parse_written(std::string_view features) {
  if (features.empty() || features.back() != ']') return std::nullopt;
  std::size_t open = features.rfind('[');
  if (open == std::string_view::npos || (open > 0 && features[open - 1] != '&'))
    return std::nullopt;
  Written result;
  result.user_part = std::string(features.substr(0, open > 0 ? open - 1 : 0));
  std::string_view list = features.substr(open + 1, features.size() - open - 2);
  bool ended = false;
  while (!list.empty()) {
    std::size_t bar = std::min(list.find('|'), list.size());
    std::string_view name = list.substr(0, bar);
    list.remove_prefix(std::min(bar + 1, list.size()));
    std::uint32_t tier_us = 0, slot = 0;
    if (ended) return std::nullopt;
    if (snapshot::parse_slot_feature(name, tier_us, slot))
      result.slots.emplace_back(name);
    else if (name == snapshot::kAnywhereFeature ||
             snapshot::parse_limit_feature(name, result.limit_us))
      ended = true;
    else
      return std::nullopt;
  }
  if (!ended) return std::nullopt;
  return result;
}

Constraint refreshed(const View& view, const Constraint& current, const Request& request) {
  Constraint next = current;
  for (std::string* text : {&next.features, &next.prefer}) {
    if (auto job = parse_written(*text))
      *text = written(job->user_part, fitting(view, request, job->limit_us), job->limit_us);
  }
  return next;
}

void arrange(const View& view, std::vector<Waiting>& jobs) {
  std::vector<Waiting*> by_urgency;
  for (Waiting& job : jobs) by_urgency.push_back(&job);
  std::ranges::sort(by_urgency, [](const Waiting* a, const Waiting* b) {
    return std::tie(b->priority, a->id) < std::tie(a->priority, b->id);
  });
  std::size_t left = view.preferred_max;
  for (Waiting* job : by_urgency) {
    job->wanted = refreshed(view, job->now, job->request);
    bool users_own = !job->now.prefer.empty() && !parse_written(job->now.prefer);
    if (users_own || parse_written(job->now.features)) continue;
    // Held, or too far down the queue: nothing.
    job->wanted.prefer.clear();
    if (job->priority == 0 || left == 0) continue;
    Request request = job->request;
    request.features = job->now.features;
    request.prefer.clear();
    std::string preference = by_default(view, request).prefer.value_or("");
    std::size_t cost = preference.empty() ? 0 : alternatives(preference);
    if (cost > left) {
      left = 0;
      continue;
    }
    job->wanted.prefer = preference;
    left -= cost;
  }
}

Decision decide_change(const View& view, const Constraint& current, const Update& change) {
  for (const std::string* text : {&change.request.features, &change.request.prefer}) {
    if (alternatives(*text) > kSlurmAlternativesMax)
      return refuse(Verdict::kRefuseFeature,
                    "a constraint of more than 64 features crashes slurmctld");
  }
  if (auto refused = expanding_a_promise(change.request)) return *refused;
  auto job = parse_written(current.features);
  if (!job || job->limit_us == 0) {
    bool named = (change.features_given && names_ours(change.request.features)) ||
                 (change.prefer_given && names_ours(change.request.prefer));
    if (named)
      return refuse(Verdict::kRefuseFeature,
                    "features that begin with vesc_ belong to the scheduler");
    return default_again(view, current, change);
  }
  Request request = change.request;
  if (!change.features_given) request.features.clear();
  if (!change.prefer_given) request.prefer.clear();
  if (auto refused = ways_round(request)) return *refused;
  if (!view.usable)
    return refuse(Verdict::kRefuseFeature, "the groups are not known now: " + view.why_not);
  auto slots = fitting(view, request, job->limit_us);
  if (slots.empty()) return refuse(Verdict::kRefuseNodes, too_large(view, request, job->limit_us));
  Decision decision;
  std::string text = written(change.features_given ? change.request.features : job->user_part,
                             slots, job->limit_us);
  if (change.features_given || text != current.features) decision.features = text;
  return decision;
}

}  // namespace vesc::plugin
