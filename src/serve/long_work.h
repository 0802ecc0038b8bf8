// Requests that take long when a space holds many files.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <utility>

#include "front/exchange.h"

namespace qrx::serve {

// The rows of more take longer than others may wait.
inline constexpr std::uint64_t many_files = 1000;

// What reads so many files goes to the work queue, where each client has its turn; what reads few is answered at once.
inline front::Reply aside_if_many(std::uint64_t files, std::function<front::Reply()> run) {
  if (files <= many_files) return run();
  return front::Work{[run = std::move(run)](const std::stop_token&) { return run(); }};
}

}  // namespace qrx::serve
