#include "process/pipe.h"

#include <fcntl.h>
#include <unistd.h>

namespace qrx::process {

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Kind::unavailable, fail_errno("cannot make a pipe").value().what);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace qrx::process
