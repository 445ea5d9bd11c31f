// SPDX-License-Identifier: MIT
//
// Errors are values. A function that can fail on something outside the program returns Result<T>;
// libraries neither print nor exit nor throw across their boundary. The message is one sentence
// (or a few) for a person: what happened, why, and what to do now. Programmer errors are not
// Errors: they assert, in release too.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace vesc {

// What kind of failure it was; the command line turns it into the exit code (exit_code() below).
enum class ErrorCode {
  kInvalidInput,   // a person or a file said something that cannot be meant
  kNotFound,       // the named thing does not exist
  kAlreadyExists,  // the named thing exists and must not
  kPermission,     // the caller lacks a right, usually root
  kUnavailable,    // a daemon, socket or host did not answer
  kTimeout,        // it did not happen in the time allowed
  kLimit,          // a documented limit was reached
  kCorrupt,        // stored data fails its check
  kInfeasible,     // the question is valid and the answer is "there is none"
  kSystem,         // an operating system call failed
};

struct Error {
  ErrorCode code;
  std::string message;
};

// Process exit code for an error: 2 for invalid input (as the shell's own usage errors), 3 for
// "no such answer", 1 for everything else.
constexpr int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return 2;
    case ErrorCode::kInfeasible:
      return 3;
    default:
      return 1;
  }
}

// Error from errno: "<what>: <strerror>".
Error system_error(std::string what, int error_number);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    assert(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    assert(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

// Success, or why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    assert(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace vesc
