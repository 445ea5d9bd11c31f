// SPDX-License-Identifier: GPL-2.0-or-later
#include "decision.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "vesc/base/duration.hpp"
#include "vesc/forming/tiers.hpp"
#include "vesc/snapshot/snapshot.hpp"

namespace vesc::plugin {
namespace {

Decision refuse(Verdict verdict, std::string message) {
  return {verdict, std::nullopt, "vesc: " + std::move(message)};
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
    if (fits(slot, request)) slots.push_back(&slot);
    if (slots.size() == view.alternatives_max) break;
  }
  return slots;
}

std::string written(const std::string& user_part, const std::vector<const Slot*>& slots,
                    std::uint32_t limit_us) {
  std::string text = user_part.empty() ? "[" : user_part + "&[";
  for (const Slot* slot : slots) text += slot->feature + "|";
  return text + (limit_us != 0 ? snapshot::limit_feature(limit_us) : snapshot::kAnywhereFeature) +
         "]";
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
  if (request.expands_promised_job)
    return refuse(
        Verdict::kRefuseDependency,
        "that job was promised a round-trip limit and cannot be expanded with other nodes");
  if (request.max_rtt) return with_limit(view, request);
  if (names_ours(request.features) || names_ours(request.prefer)) {
    return refuse(
        Verdict::kRefuseFeature,
        "features that begin with vesc_ belong to the scheduler. Ask for nearness with --max-rtt");
  }
  bool ours = view.usable && view.tightest_by_default && may_use_several_nodes(request) &&
              is_plain(request.features) && !request.spread && !request.contiguous &&
              !request.expand;
  if (!ours) return {};
  auto slots = fitting(view, request, 0);
  if (slots.empty()) return {};
  return {Verdict::kAccept, written(request.features, slots, 0),
          "vesc: the nearest nodes that are free together are taken; without --max-rtt that may be "
          "anywhere"};
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

std::string refreshed(const View& view, const Written& job, const Request& request) {
  return written(job.user_part, fitting(view, request, job.limit_us), job.limit_us);
}

Decision decide_change(const View& view, const std::string& current, const Request& change,
                       bool features_given) {
  if (features_given && alternatives(change.features) > kSlurmAlternativesMax) {
    return refuse(Verdict::kRefuseFeature,
                  "a constraint of more than 64 features crashes slurmctld");
  }
  auto job = parse_written(current);
  if (!job) {
    if (features_given && names_ours(change.features))
      return refuse(Verdict::kRefuseFeature,
                    "features that begin with vesc_ belong to the scheduler");
    return {};
  }
  if (job->limit_us == 0) {
    // No promise to keep: the change replaces what the default added.
    if (features_given && names_ours(change.features))
      return refuse(Verdict::kRefuseFeature,
                    "features that begin with vesc_ belong to the scheduler");
    return {};
  }
  Request request = change;
  if (!features_given) request.features.clear();
  if (auto refused = ways_round(request)) return *refused;
  if (!view.usable)
    return refuse(Verdict::kRefuseFeature, "the groups are not known now: " + view.why_not);
  Written next = *job;
  if (features_given) next.user_part = change.features;
  if (fitting(view, request, job->limit_us).empty())
    return refuse(Verdict::kRefuseNodes, too_large(view, request, job->limit_us));
  Decision decision;
  std::string text = refreshed(view, next, request);
  if (features_given || text != current) decision.features = text;
  return decision;
}

}  // namespace vesc::plugin
