// Pictures from a pipe: binary gray PGM (netpbm), one after another, as `ffmpeg -f image2pipe -c:v pgm` writes them.
#pragma once

#include <memory>

#include "vision/frames.h"

namespace qrx::vision {

// fd: read until its end, not closed. why(): searched at the end, not_a_picture when not even the first one is one.
// live: when several are there, only the last is taken.
std::unique_ptr<Frames> frames_of_pgm(int fd, bool live);

}  // namespace qrx::vision
