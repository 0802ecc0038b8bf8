// A pipe whose ends close by themselves and go to no program that is started meanwhile.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::process {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe();  // Kind::unavailable: too many descriptors are open

}  // namespace qrx::process
