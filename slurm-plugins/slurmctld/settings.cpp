// SPDX-License-Identifier: GPL-2.0-or-later
#include "settings.hpp"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include <toml++/toml.h>

namespace vesc::plugin {
namespace {

std::uint32_t uid_of(const std::string& name) {
  std::array<char, 4096> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
    throw std::runtime_error("snapshot_owner: no user " + name);
  return entry.pw_uid;
}

}  // namespace

Settings read_settings(const std::string& path) {
  Settings settings;
  toml::table file = toml::parse_file(path);
  settings.snapshot = file["snapshot"].value_or(settings.snapshot);
  if (auto name = file["snapshot_owner"].value<std::string>())
    settings.snapshot_owner = uid_of(*name);
  else
    settings.snapshot_owner = file["snapshot_owner"].value_or(settings.snapshot_owner);
  settings.stale_after_s = std::clamp<std::int64_t>(
      file["stale_after_s"].value_or(settings.stale_after_s), 1, 1'000'000);
  settings.poll_ms =
      std::clamp<std::int64_t>(file["poll_ms"].value_or(settings.poll_ms), 10, 60'000);
  settings.tightest_by_default =
      file["default_placement"].value_or(std::string("tightest")) != "stock";
  settings.alternatives_max = std::clamp<std::uint32_t>(
      file["alternatives_max"].value_or(settings.alternatives_max), 1, 48);
  settings.preferred_max =
      std::clamp<std::uint32_t>(file["preferred_max"].value_or(settings.preferred_max), 0, 100'000);
  settings.statistics = file["statistics"].value_or(settings.statistics);
  settings.verify_tables = file["verify_tables"].value_or(settings.verify_tables);
  return settings;
}

}  // namespace vesc::plugin
