// What is wrong with a message that is not sound HTTP.
#pragma once

#include "base/result.h"

namespace qrx::http {

// What is wrong with a message. `status` answers a request (400, 405, 414, 415, 417, 431, 501, 505); it means nothing
// for a response.
struct Flaw {
  int status = 400;
  const char* what = "";  // a part of a sentence: "two Host headers"
};

template <class T>
using Framed = tl::expected<T, Flaw>;

}  // namespace qrx::http
