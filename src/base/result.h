// The one error value of the house, and the result that carries it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace qrx {

// What went wrong, as a caller may act on it. Two tables turn kinds into exit codes (src/cli/exit.h)
// and into HTTP statuses (src/serve/problems.h); nothing else decides by the text.
enum class Kind : std::uint8_t {
  other,         // exit 1,  HTTP 500
  usage,         // exit 2,  400  malformed link, option, header or message
  unauthorized,  // exit 4,  401  no token
  denied,        // exit 4,  403  token without this right
  too_large,     // exit 4,  413  over a limit of the space
  no_room,       // exit 75, 507  the server's disk or quota is full
  too_many,      // exit 4,  429  rate limit
  not_found,     // exit 5,  404  unknown space, or wrong token: the same answer
  gone,          // exit 5,  410  expired, told only to holders of a valid token
  conflict,      // exit 1,  409  wrong offset or state
  locked,        // exit 75, 423  someone else writes this upload
  integrity,     // exit 6,  460  checksum differs, unsafe name
  unsupported,   // exit 1,  415  content type or coding
  no_code,       // exit 7        no QR code found
  timed_out,     // exit 8        waited long enough
  exists,        // exit 9        would overwrite
  unavailable,   // exit 75, 503  network or server in trouble, worth trying again
  no_room_now,   // exit 75, 503  no room beside what others are sending, worth trying again
};

struct Error {
  Kind kind = Kind::other;
  std::string what;  // one sentence without a full stop: "cannot read photo.jpg: no such file"
  std::string hint;  // what to do next, or empty
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Kind kind, std::string what, std::string hint = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(what), std::move(hint)});
}

// The error of a failed system call: "cannot open /x: no such file or directory". Call before errno changes.
// ENOSPC and EDQUOT give Kind::no_room, EEXIST gives Kind::exists, everything else Kind::other.
[[nodiscard]] tl::unexpected<Error> fail_errno(const std::string& doing, int error_number);
[[nodiscard]] tl::unexpected<Error> fail_errno(const std::string& doing);

}  // namespace qrx
