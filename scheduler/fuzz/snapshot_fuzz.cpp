// SPDX-License-Identifier: MIT
//
// libFuzzer target: what the snapshot decoder accepts it encodes to the same bytes; all else it
// refuses. Built with Clang and -DVESC_FUZZ=ON.
#include <cstdint>
#include <cstdlib>

#include "vesc/snapshot/snapshot.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  auto snapshot = vesc::snapshot::decode(bytes);
  if (!snapshot) {
    if (snapshot.error().message.empty()) std::abort();
    return 0;
  }
  auto again = vesc::snapshot::encode(*snapshot);
  if (!again || !std::equal(again->begin(), again->end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
