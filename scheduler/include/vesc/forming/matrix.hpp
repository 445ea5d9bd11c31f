// SPDX-License-Identifier: MIT
//
// A matrix of measured round-trip times: what forming works on, what `vesc wan ping --out` writes
// and what drives the virtual WAN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "vesc/base/result.hpp"

namespace vesc::forming {

// "No measurement": compares greater than every limit, so an unknown pair never meets one.
inline constexpr std::uint32_t kUnknownRttUs = std::numeric_limits<std::uint32_t>::max();

// n x n round-trip times in whole microseconds, row-major, not necessarily symmetric.
// The diagonal is 0 and means nothing. 4 n^2 bytes.
class RttMatrix {
 public:
  RttMatrix() = default;
  // All pairs unknown.
  explicit RttMatrix(std::size_t size);

  std::size_t size() const { return size_; }

  // RTT as measured from `from` to `to`, or kUnknownRttUs.
  std::uint32_t directed_us(std::size_t from, std::size_t to) const {
    return cells_[from * size_ + to];
  }
  void set_directed_us(std::size_t from, std::size_t to, std::uint32_t rtt_us) {
    cells_[from * size_ + to] = rtt_us;
  }

  // What a limit is compared with: the larger of the two directions, kUnknownRttUs if either is
  // unknown. A pair whose both directions say 0 is unknown too ("below the clock's grid" cannot be
  // told from "missing"), except on the diagonal.
  std::uint32_t pair_us(std::size_t a, std::size_t b) const;

  // The rows and columns `nodes`, in that order.
  RttMatrix submatrix(const std::vector<std::size_t>& nodes) const;

  // Largest known pair, 0 for fewer than two nodes.
  std::uint32_t largest_pair_us() const;

 private:
  std::size_t size_ = 0;
  std::vector<std::uint32_t> cells_;
};

// Reads a matrix file; `.xz` and `.gz` are decompressed. Two formats:
//   dense:  n rows of n blank-separated numbers in milliseconds; `nan`, `-` or a negative number
//           means unknown; the diagonal is ignored; lines that start with '#' are comments.
//   sparse: a header line `sparse N`, then lines `i j rtt_ms`. A round trip passes both ways, so
//   one
//           line makes a pair known; of several the largest counts, and an unknown one makes it
//           unknown.
// An empty, ragged, non-square or non-numeric file is refused with one line: file, row, column.
Result<RttMatrix> read_matrix(const std::string& path);

// The same from text already in memory; `name` stands for the file in messages. Never throws,
// never reads outside `text`: this is what the fuzzer calls.
Result<RttMatrix> parse_matrix(std::string_view text, const std::string& name);

// Writes the dense format (milliseconds with three decimals, `-` for unknown) by rename, so that a
// reader never sees half a file. `comment`, if any, becomes leading '#' lines.
Result<void> write_matrix(const RttMatrix& matrix, const std::string& path,
                          const std::string& comment = "");

}  // namespace vesc::forming
