// SPDX-License-Identifier: MIT
#pragma once

#include <random>

#include "vesc/forming/matrix.hpp"

namespace vesc::forming {

// Small values, so that ties are frequent; asymmetric; about one direction in eight unknown.
inline RttMatrix random_matrix(std::size_t size, std::mt19937& random) {
  RttMatrix matrix(size);
  for (std::size_t a = 0; a < size; ++a) {
    for (std::size_t b = 0; b < size; ++b) {
      if (a != b && random() % 8 != 0)
        matrix.set_directed_us(a, b, 100 + static_cast<std::uint32_t>(random() % 30));
    }
  }
  return matrix;
}

}  // namespace vesc::forming
