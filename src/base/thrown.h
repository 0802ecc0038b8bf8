// The border that exceptions do not cross: what is thrown within becomes an error there.
#pragma once

#include <type_traits>
#include <utility>

#include "base/result.h"

namespace qrx {

// In a catch block: what was thrown, Kind::other.
Error thrown_error();

// Runs `work`; what it throws is the error that comes back. Without it a thread of which something is thrown ends the
// whole program.
template <class Work>
auto catching(Work&& work) {
  using Returned = std::invoke_result_t<Work>;
  using Out = std::conditional_t<std::is_void_v<Returned>, Result<void>, Returned>;
  try {
    if constexpr (std::is_void_v<Returned>) {
      std::forward<Work>(work)();
      return Out{};
    } else {
      return Out{std::forward<Work>(work)()};
    }
  } catch (...) {
    return Out{tl::unexpected(thrown_error())};
  }
}

}  // namespace qrx
