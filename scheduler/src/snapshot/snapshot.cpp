// SPDX-License-Identifier: MIT
#include "vesc/snapshot/snapshot.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace vesc::snapshot {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian");

constexpr std::array<char, 8> kMagic = {'V', 'E', 'S', 'C', 'S', 'N', 'A', 'P'};
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::size_t kSectionsMax = 64;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t file_bytes;
  std::array<unsigned char, 32> checksum;  // of everything after this field
  std::uint64_t sequence;
  std::int64_t published_unix_ms;
  std::uint64_t chain_height;
  std::int64_t chain_unix_ms;
  std::uint64_t spool_settled;
  std::uint32_t slots_per_tier;
  std::uint32_t sections;
};
static_assert(sizeof(Header) == 104);
constexpr std::size_t kChecksumEnd = offsetof(Header, checksum) + sizeof(Header::checksum);

struct Section {
  std::uint32_t id;
  std::uint32_t version;
  std::uint64_t offset;
  std::uint64_t count;
  std::uint32_t record_bytes;
  std::uint32_t reserved;
};
static_assert(sizeof(Section) == 32);

enum SectionId : std::uint32_t { kTiers = 1, kNames = 2, kNodes = 3, kGroups = 4, kMembers = 5 };

struct NodeRecord {
  std::uint32_t name_offset;  // into kNames
  std::uint32_t name_bytes;
};
struct GroupRecord {
  std::uint64_t id;
  std::uint32_t tier_us;
  std::uint32_t diameter_us;
  std::uint32_t slot;
  std::uint32_t first_member;  // into kMembers
  std::uint32_t members;
  std::uint32_t reserved;
};
static_assert(sizeof(GroupRecord) == 32);

// Bytes a record of a known section has; 0 for an unknown section.
std::uint32_t record_bytes(std::uint32_t id) {
  switch (id) {
    case kTiers:
      return sizeof(std::uint32_t);
    case kNames:
      return 1;
    case kNodes:
      return sizeof(NodeRecord);
    case kGroups:
      return sizeof(GroupRecord);
    case kMembers:
      return sizeof(std::uint32_t);
    default:
      return 0;
  }
}

Error corrupt(std::string why) {
  return {ErrorCode::kCorrupt, "the snapshot is damaged: " + std::move(why)};
}

// The rules that both the writer and the reader insist on.
Result<void> check(const Snapshot& snapshot) {
  if (snapshot.nodes.size() > kNodesMax)
    return Error{ErrorCode::kLimit, fmt::format("a snapshot holds at most {} nodes", kNodesMax)};
  if (snapshot.groups.size() > kGroupsMax)
    return Error{ErrorCode::kLimit, fmt::format("a snapshot holds at most {} groups", kGroupsMax)};
  for (std::size_t i = 1; i < snapshot.tiers_us.size(); ++i) {
    if (snapshot.tiers_us[i] <= snapshot.tiers_us[i - 1]) return corrupt("the tiers do not ascend");
  }
  for (const Node& node : snapshot.nodes) {
    if (node.name.empty() || node.name.size() > kNameBytesMax)
      return corrupt("a node's name is empty or too long");
  }
  for (const Group& group : snapshot.groups) {
    if (group.nodes.size() < 2) return corrupt("a group has fewer than two nodes");
    if (group.diameter_us > group.tier_us) return corrupt("a group is wider than its tier");
    if (group.slot > snapshot.slots_per_tier) return corrupt("a slot is outside the pool");
    for (std::size_t i = 0; i < group.nodes.size(); ++i) {
      if (group.nodes[i] >= snapshot.nodes.size())
        return corrupt("a group names a node that is not there");
      if (i > 0 && group.nodes[i] <= group.nodes[i - 1])
        return corrupt("a group's nodes do not ascend");
    }
  }
  return {};
}

template <typename T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const auto* at = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), at, at + sizeof(T));
}

void checksum(std::span<const std::byte> bytes, std::array<unsigned char, 32>& sum) {
  crypto_generichash(sum.data(), sum.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()) + kChecksumEnd,
                     bytes.size() - kChecksumEnd, nullptr, 0);
}

template <typename T>
T record_at(std::span<const std::byte> bytes, const Section& section, std::uint64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + section.offset + index * sizeof(T), sizeof(T));
  return value;
}

struct Sections {
  std::array<Section, 6> known{};  // by id
};

Result<Sections> read_sections(std::span<const std::byte> bytes, const Header& header) {
  if (header.sections > kSectionsMax ||
      sizeof(Header) + header.sections * sizeof(Section) > bytes.size())
    return corrupt("its section table does not fit");
  Sections sections;
  for (std::uint32_t i = 0; i < header.sections; ++i) {
    Section section;
    std::memcpy(&section, bytes.data() + sizeof(Header) + i * sizeof(Section), sizeof(Section));
    std::uint32_t wanted = record_bytes(section.id);
    if (wanted == 0) continue;
    if (section.version != 1)
      return corrupt(
          fmt::format("section {} has version {}, and only 1 is known. Update the plugins",
                      section.id, section.version));
    bool fits = section.record_bytes == wanted && section.offset <= bytes.size() &&
                section.count <= (bytes.size() - section.offset) / wanted;
    if (!fits) return corrupt(fmt::format("section {} lies outside the file", section.id));
    sections.known[section.id] = section;
  }
  return sections;
}

}  // namespace

Result<std::vector<std::byte>> encode(const Snapshot& snapshot) {
  if (auto good = check(snapshot); !good) return good.error();
  std::array<std::vector<std::byte>, 6> bodies;
  for (std::uint32_t tier : snapshot.tiers_us) append(bodies[kTiers], tier);
  for (const Node& node : snapshot.nodes) {
    append(bodies[kNodes], NodeRecord{static_cast<std::uint32_t>(bodies[kNames].size()),
                                      static_cast<std::uint32_t>(node.name.size())});
    const auto* name = reinterpret_cast<const std::byte*>(node.name.data());
    bodies[kNames].insert(bodies[kNames].end(), name, name + node.name.size());
  }
  std::uint32_t member = 0;
  for (const Group& group : snapshot.groups) {
    auto count = static_cast<std::uint32_t>(group.nodes.size());
    append(bodies[kGroups],
           GroupRecord{group.id, group.tier_us, group.diameter_us, group.slot, member, count, 0});
    for (std::uint32_t node : group.nodes) append(bodies[kMembers], node);
    member += count;
  }
  Header header{};
  header.magic = kMagic;
  header.version = kFormatVersion;
  header.header_bytes = sizeof(Header);
  header.sequence = snapshot.sequence;
  header.published_unix_ms = snapshot.published_unix_ms;
  header.chain_height = snapshot.chain_height;
  header.chain_unix_ms = snapshot.chain_unix_ms;
  header.spool_settled = snapshot.spool_settled;
  header.slots_per_tier = snapshot.slots_per_tier;
  header.sections = kMembers;
  std::vector<std::byte> bytes;
  append(bytes, header);
  std::uint64_t offset = sizeof(Header) + header.sections * sizeof(Section);
  for (std::uint32_t id = kTiers; id <= kMembers; ++id) {
    append(bytes,
           Section{id, 1, offset, bodies[id].size() / record_bytes(id), record_bytes(id), 0});
    offset += bodies[id].size();
  }
  for (std::uint32_t id = kTiers; id <= kMembers; ++id)
    bytes.insert(bytes.end(), bodies[id].begin(), bodies[id].end());
  if (bytes.size() > kFileBytesMax)
    return Error{ErrorCode::kLimit, "the snapshot is larger than 64 MiB"};
  header.file_bytes = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof(header));
  checksum(bytes, header.checksum);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

Result<Snapshot> decode(std::span<const std::byte> bytes) {
  Header header;
  if (bytes.size() < sizeof(Header)) return corrupt("it is shorter than its header");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic) return corrupt("it does not start with VESCSNAP");
  if (header.version != kFormatVersion || header.header_bytes != sizeof(Header))
    return corrupt(fmt::format("format {} is not known. Update the plugins", header.version));
  if (header.file_bytes != bytes.size() || bytes.size() > kFileBytesMax)
    return corrupt("its size is not the one it states");
  std::array<unsigned char, 32> sum;
  checksum(bytes, sum);
  if (sum != header.checksum) return corrupt("its checksum is wrong");
  auto sections = read_sections(bytes, header);
  if (!sections) return sections.error();
  const auto& known = sections->known;
  Snapshot snapshot;
  snapshot.sequence = header.sequence;
  snapshot.published_unix_ms = header.published_unix_ms;
  snapshot.chain_height = header.chain_height;
  snapshot.chain_unix_ms = header.chain_unix_ms;
  snapshot.spool_settled = header.spool_settled;
  snapshot.slots_per_tier = header.slots_per_tier;
  for (std::uint64_t i = 0; i < known[kTiers].count; ++i)
    snapshot.tiers_us.push_back(record_at<std::uint32_t>(bytes, known[kTiers], i));
  for (std::uint64_t i = 0; i < known[kNodes].count; ++i) {
    auto node = record_at<NodeRecord>(bytes, known[kNodes], i);
    if (std::uint64_t{node.name_offset} + node.name_bytes > known[kNames].count)
      return corrupt("a name lies outside the file");
    const auto* name =
        reinterpret_cast<const char*>(bytes.data()) + known[kNames].offset + node.name_offset;
    if (node.name_bytes > kNameBytesMax) return corrupt("a node's name is too long");
    snapshot.nodes.push_back({std::string(name, node.name_bytes)});
  }
  std::uint64_t members = 0;  // groups may not share members: the sum bounds what is allocated
  for (std::uint64_t i = 0; i < known[kGroups].count; ++i) {
    auto record = record_at<GroupRecord>(bytes, known[kGroups], i);
    members += record.members;
    if (members > known[kMembers].count ||
        std::uint64_t{record.first_member} + record.members > known[kMembers].count)
      return corrupt("a group's members lie outside the file");
    Group group{record.id, record.tier_us, record.diameter_us, record.slot, {}};
    for (std::uint32_t m = 0; m < record.members; ++m)
      group.nodes.push_back(
          record_at<std::uint32_t>(bytes, known[kMembers], record.first_member + m));
    snapshot.groups.push_back(std::move(group));
  }
  if (auto good = check(snapshot); !good) return good.error();
  return snapshot;
}

Result<void> write_file(const Snapshot& snapshot, const std::string& path, unsigned mode) {
  auto bytes = encode(snapshot);
  if (!bytes) return bytes.error();
  std::string partial = path + ".partial";
  unlink(partial.c_str());
  int fd = open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error("cannot write " + partial, errno);
  bool done = write(fd, bytes->data(), bytes->size()) == static_cast<ssize_t>(bytes->size()) &&
              fchmod(fd, mode) == 0 && fsync(fd) == 0;
  int error = errno;
  close(fd);
  if (done && rename(partial.c_str(), path.c_str()) == 0) return {};
  if (done) error = errno;
  unlink(partial.c_str());
  return system_error("cannot write " + path, error);
}

Result<Snapshot> read_file(const std::string& path, std::uint32_t owner_uid) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT)
      return Error{ErrorCode::kNotFound,
                   "there is no snapshot at " + path + ". Is vesc-schedd running?"};
    return system_error("cannot read " + path, errno);
  }
  struct stat info {};
  std::string problem;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    problem = "is not a regular file";
  else if (info.st_uid != 0 && info.st_uid != owner_uid)
    problem = fmt::format("belongs to uid {} instead of root or uid {}", info.st_uid, owner_uid);
  else if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    problem = "can be written by its group or by others";
  else if (static_cast<std::uint64_t>(info.st_size) > kFileBytesMax)
    problem = "is larger than 64 MiB";
  if (!problem.empty()) {
    close(fd);
    return Error{ErrorCode::kPermission, path + " " + problem};
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
  std::size_t at = 0;
  ssize_t got = 0;
  while (at < bytes.size() && (got = read(fd, bytes.data() + at, bytes.size() - at)) > 0)
    at += static_cast<std::size_t>(got);
  close(fd);
  bytes.resize(at);
  return decode(bytes);
}

namespace {

constexpr std::string_view kSlotStart = "vesc_";
constexpr std::string_view kLimitStart = "vesc_max_";

// "<digits>us" and what follows; false if that is not what `text` starts with.
bool take_us(std::string_view& text, std::uint32_t& us) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), us);
  if (error != std::errc() || us == 0 || text.front() == '0') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.starts_with("us")) return false;
  text.remove_prefix(2);
  return true;
}

}  // namespace

std::string slot_feature(std::uint32_t tier_us, std::uint32_t slot) {
  return fmt::format("vesc_{}us_{}", tier_us, slot);
}

std::string limit_feature(std::uint32_t tier_us) {
  return fmt::format("vesc_max_{}us", tier_us);
}

bool parse_slot_feature(std::string_view feature, std::uint32_t& tier_us, std::uint32_t& slot) {
  if (!feature.starts_with(kSlotStart)) return false;
  feature.remove_prefix(kSlotStart.size());
  if (feature.empty() || !take_us(feature, tier_us) || !feature.starts_with("_")) return false;
  feature.remove_prefix(1);
  auto [end, error] = std::from_chars(feature.data(), feature.data() + feature.size(), slot);
  return error == std::errc() && end == feature.data() + feature.size() && slot > 0 &&
         feature.front() != '0';
}

bool parse_limit_feature(std::string_view feature, std::uint32_t& tier_us) {
  if (!feature.starts_with(kLimitStart)) return false;
  feature.remove_prefix(kLimitStart.size());
  return !feature.empty() && take_us(feature, tier_us) && feature.empty();
}

}  // namespace vesc::snapshot
