#include "base/result.h"

#include <cctype>
#include <cerrno>
#include <system_error>

namespace qrx {

tl::unexpected<Error> fail_errno(const std::string& doing, int error_number) {
  Kind kind = Kind::other;
  if (error_number == ENOSPC || error_number == EDQUOT) kind = Kind::no_room;
  if (error_number == EEXIST) kind = Kind::exists;
  std::string reason = std::generic_category().message(error_number);
  // Messages read as the rest of a sentence; "I/O error" keeps its capitals.
  if (reason.size() > 1 && std::islower(static_cast<unsigned char>(reason[1])))
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return fail(kind, doing + ": " + reason);
}

tl::unexpected<Error> fail_errno(const std::string& doing) {
  return fail_errno(doing, errno);
}

}  // namespace qrx
