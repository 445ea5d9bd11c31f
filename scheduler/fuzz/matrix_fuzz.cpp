// SPDX-License-Identifier: MIT
//
// libFuzzer target: whatever the bytes, the matrix reader answers with a matrix or with a message,
// and both of its ways to read agree. Built with Clang and -DVESC_FUZZ=ON.
#include <cstdint>
#include <cstdlib>

#include "vesc/forming/pairs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vesc::forming;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto pairs = parse_pairs(text, "fuzz");
  // A header may ask for a million nodes; that is no fault, but slow here.
  if (pairs.ok() && pairs->size() > 500) return 0;
  auto matrix = parse_matrix(text, "fuzz");
  if (matrix.ok() != pairs.ok()) std::abort();
  if (!matrix.ok()) {
    if (matrix.error().message.empty()) std::abort();
    return 0;
  }
  for (std::size_t a = 0; a < pairs->size(); ++a) {
    for (const Near& near : pairs->near(a)) {
      if (near.rtt_us == 0 || near.rtt_us != matrix->pair_us(a, near.node)) std::abort();
    }
  }
  return 0;
}
