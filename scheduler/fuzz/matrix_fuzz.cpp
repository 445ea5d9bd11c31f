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
  // A header may ask for the memory of a million lists; that is no fault but slow here.
  if (text.starts_with("sparse") && text.substr(0, 16).find_first_of("0123456789") != text.npos &&
      std::strtoul(text.substr(6, 12).data(), nullptr, 10) > 1000)
    return 0;
  auto matrix = parse_matrix(text, "fuzz");
  auto pairs = parse_pairs(text, "fuzz");
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
