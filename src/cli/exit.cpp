#include "cli/exit.h"

namespace qrx::cli {

int exit_code(Kind kind) {
  switch (kind) {
    case Kind::other:
    case Kind::conflict:
    case Kind::unsupported:
      return 1;
    case Kind::usage:
      return exit_usage;
    case Kind::unauthorized:
    case Kind::denied:
    case Kind::too_large:
    case Kind::too_many:
      return 4;
    case Kind::not_found:
    case Kind::gone:
      return 5;
    case Kind::integrity:
      return 6;
    case Kind::no_code:
      return 7;
    case Kind::timed_out:
      return 8;
    case Kind::exists:
      return 9;
    case Kind::no_room:
    case Kind::no_room_now:
    case Kind::locked:
    case Kind::unavailable:
      return 75;  // EX_TEMPFAIL of sysexits.h
  }
  return 1;
}

}  // namespace qrx::cli
