// SPDX-License-Identifier: MIT
#include "vesc/base/duration.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace vesc {

Result<std::uint32_t> parse_rtt_us(std::string_view text) {
  auto refuse = [&](std::string_view why) {
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("'{}' is not a round-trip time: {}. Write a number and a unit, "
                             "for example 10ms or 250us",
                             text.substr(0, 64), why)};
  };
  double number = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::general);
  if (error == std::errc::result_out_of_range) return refuse("the number is out of range");
  if (error != std::errc()) return refuse("it does not start with a number");
  if (!std::isfinite(number)) return refuse("it is not a finite number");
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  double factor = 0;
  if (unit == "us")
    factor = 1;
  else if (unit == "ms")
    factor = 1000;
  else if (unit.empty())
    return refuse("the unit is missing");
  else
    return refuse("the unit is neither us nor ms");
  double us = number * factor;
  if (us <= 0) return refuse("it must be more than 0");
  if (us < 1) return refuse("it is below 1us");
  if (us > kLimitUsMax) return refuse("it is above 60000ms, further than any two places on Earth");
  // 0.07 * 1000 is 70.00000000000001: nudge before rounding down, by far less than a microsecond.
  return static_cast<std::uint32_t>(us + 1e-6);
}

std::string format_rtt_ms(std::uint64_t rtt_us) {
  double ms = static_cast<double>(rtt_us) / 1000;
  int decimals = ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3;
  std::string text = fmt::format("{:.{}f}", ms, decimals);
  if (text.find('.') != std::string::npos) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text + " ms";
}

}  // namespace vesc
