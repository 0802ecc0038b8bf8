// Standard input, output and error that are closed, as daemons and some supervisors leave them.
#pragma once

namespace qrx::cli {

// Before a program opens anything: puts something in the place of a closed one that fails with EBADF when it is used,
// so that no file or socket of ours gets its number, to be read as input or have output written into it.
void occupy_closed_streams();

}  // namespace qrx::cli
