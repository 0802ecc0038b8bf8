// Names from the wire as names on this machine: pure functions of text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wire/id.h"

namespace qrx::transfer {

// A name from the wire as a relative path that is safe and unsurprising here: never empty, absolute or upwards; valid
// UTF-8 without control, bidi or invisible characters; each part at most 255 bytes, at most 64 parts and 3,500 bytes in
// all. Its first part is neither hidden nor like an option (".bashrc" is saved as "_bashrc", "-rf" as "_rf"); parts
// below it may be hidden, as trees have it. Ordinary names stay as they are. Two names may become the same one.
std::string safe_local_name(std::string_view wire_name);

std::vector<std::string> split_path(std::string_view path);  // at '/'; no empty parts

// "photo.jpg", 2 -> "photo (2).jpg"; 0 leaves it as it is. At most 255 bytes.
std::string numbered_name(std::string_view leaf, unsigned number);

// ".NAME.<first 8 of id>.qrx-part": the name of a file that is not complete yet. At most 255 bytes.
std::string partial_name(std::string_view leaf, const Id& file);

}  // namespace qrx::transfer
