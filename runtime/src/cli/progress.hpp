// SPDX-License-Identifier: MIT
//
// Progress for steps that take more than a second: one line a step with the time it took, on
// standard error, so that standard output stays the answer.
#pragma once

#include <chrono>
#include <string>

#include <fmt/format.h>

namespace vesc::cli {

class ProgressLines {
 public:
  explicit ProgressLines(bool shown = true) : shown_(shown) {}

  void step(const std::string& text) {
    done();
    text_ = text;
    started_ = std::chrono::steady_clock::now();
    if (shown_) {
      fmt::print(stderr, "  {:<58}", text_ + " ...");
      std::fflush(stderr);
    }
  }

  void done() {
    if (text_.empty()) return;
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - started_;
    if (shown_) fmt::print(stderr, " {:6.1f} s\n", took.count());
    text_.clear();
  }

  // The step failed: ends its line.
  void failed() {
    if (!text_.empty() && shown_) fmt::print(stderr, " failed\n");
    text_.clear();
  }

 private:
  bool shown_;
  std::string text_;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace vesc::cli
