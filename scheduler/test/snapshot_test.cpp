// SPDX-License-Identifier: MIT
#include "vesc/snapshot/snapshot.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace vesc::snapshot {
namespace {

Snapshot sample() {
  Snapshot snapshot;
  snapshot.sequence = 7;
  snapshot.published_unix_ms = 1'700'000'000'000;
  snapshot.slots_per_tier = 4;
  snapshot.tiers_us = {250, 350, 490};
  snapshot.nodes = {{"h0"}, {"node-with-a-longer-name"}, {"h2"}};
  snapshot.groups = {{11, 250, 200, 1, {0, 2}}, {12, 490, 400, 0, {0, 1, 2}}};
  return snapshot;
}

TEST(Snapshot, RoundTrips) {
  auto bytes = encode(sample());
  ASSERT_TRUE(bytes.ok());
  auto back = decode(*bytes);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->sequence, 7u);
  EXPECT_EQ(back->nodes[1].name, "node-with-a-longer-name");
  EXPECT_EQ(back->groups[1].nodes, (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(back->groups[0].slot, 1u);
  EXPECT_EQ(*encode(*back), *bytes);
}

TEST(Snapshot, EveryFlippedBitIsRefused) {
  auto bytes = *encode(sample());
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    auto damaged = bytes;
    damaged[i / 8] ^= std::byte{1} << (i % 8);
    EXPECT_FALSE(decode(damaged).ok()) << "bit " << i;
  }
}

TEST(Snapshot, EveryTruncationIsRefused) {
  auto bytes = *encode(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode(std::span(bytes).first(size)).ok());
}

TEST(Snapshot, TheWriterRefusesWhatTheReaderWould) {
  auto change = [](auto&& f) {
    Snapshot snapshot = sample();
    f(snapshot);
    return encode(snapshot).ok();
  };
  EXPECT_FALSE(change([](Snapshot& s) { s.groups[0].nodes = {0}; }));
  EXPECT_FALSE(change([](Snapshot& s) { s.groups[0].nodes = {0, 9}; }));
  EXPECT_FALSE(change([](Snapshot& s) { s.groups[0].nodes = {2, 0}; }));
  EXPECT_FALSE(change([](Snapshot& s) { s.groups[0].slot = 5; }));
  EXPECT_FALSE(change([](Snapshot& s) { s.groups[0].diameter_us = 251; }));
  EXPECT_FALSE(change([](Snapshot& s) { s.nodes[0].name = std::string(300, 'x'); }));
  EXPECT_FALSE(change([](Snapshot& s) { s.tiers_us = {350, 250}; }));
}

TEST(SnapshotFile, IsTrustedOnlyAsItShouldBe) {
  std::string path = testing::TempDir() + "vesc_snapshot_test";
  ASSERT_TRUE(write_file(sample(), path).ok());
  EXPECT_TRUE(read_file(path, geteuid()).ok());
  chmod(path.c_str(), 0660);
  EXPECT_FALSE(read_file(path, geteuid()).ok()) << "its group can write it";
  chmod(path.c_str(), 0640);
  std::string link = path + ".link";
  unlink(link.c_str());
  ASSERT_EQ(symlink(path.c_str(), link.c_str()), 0);
  EXPECT_FALSE(read_file(link, geteuid()).ok()) << "a link is not followed";
  unlink(link.c_str());
  if (geteuid() == 0) {
    ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
    EXPECT_FALSE(read_file(path, 999).ok()) << "it belongs to somebody else";
    EXPECT_TRUE(read_file(path, 12345).ok());
  }
  unlink(path.c_str());
  EXPECT_EQ(read_file(path, 0).error().code, ErrorCode::kNotFound);
}

TEST(SlotNames, AreReadBackAndNothingElseIs) {
  std::uint32_t tier = 0, slot = 0;
  EXPECT_TRUE(parse_slot_feature(slot_feature(2689, 12), tier, slot));
  EXPECT_EQ(tier, 2689u);
  EXPECT_EQ(slot, 12u);
  EXPECT_TRUE(parse_limit_feature(limit_feature(2689), tier));
  for (const char* text :
       {"", "vesc_", "vesc_us_1", "vesc_10us", "vesc_10us_", "vesc_10us_0", "vesc_010us_1",
        "vesc_10us_01", "vesc_10us_1x", "vesc_10ms_1", "vesc_any", "vesc_max_10us", "xvesc_10us_1",
        "vesc_99999999999us_1", "vesc_-1us_1"}) {
    EXPECT_FALSE(parse_slot_feature(text, tier, slot)) << text;
  }
  EXPECT_FALSE(parse_limit_feature("vesc_max_us", tier));
  EXPECT_FALSE(parse_limit_feature("vesc_10us_1", tier));
}

}  // namespace
}  // namespace vesc::snapshot
