// Names from the wire as names on this machine: pure functions of text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wire/id.h"

namespace qrx::receive {

// A name from the wire as a relative path that is safe and unsurprising here: never empty, absolute or upwards; valid
// UTF-8 without control, bidi or invisible characters (but with those that spelling needs: joiners and non-joiners,
// variation selectors); each part at most 255 bytes, at most 64 parts and 3,500 bytes in all. Its first part is neither
// hidden nor like an option (".bashrc" is saved as "_bashrc", "-rf" as "_rf"); parts below it may be hidden, as trees
// have it. Ordinary names stay as they are. Two names may become the same one.
std::string safe_local_name(std::string_view wire_name);

// Why a file of this name is more than data where its directory is used: "runs when ...". Empty: it is not known for
// that.
std::string risk_of(std::string_view name);

std::vector<std::string> split_path(std::string_view path);  // at '/'; no empty parts

// "photo.jpg", 2 -> "photo (2).jpg"; 0 leaves it as it is. At most 255 bytes.
std::string numbered_name(std::string_view leaf, unsigned number);

// At most so many bytes, the extension kept. REQUIRES: most >= 100.
std::string shortened_name(std::string_view leaf, std::size_t most);

// What FAT, exFAT, NTFS and shares of Windows refuse in a name becomes '_': : ? * " < > | and dots and blanks at its
// end; with `ascii` all but ASCII, too. The name of a device gets a '_' in front: "_aux.txt".
std::string portable_name(std::string_view leaf, bool ascii);

// ".NAME.<first 8 of id>.qrx-part": the name of a file that is not complete yet, when a later run goes on with it; else
// ".NAME.tmp.<first 8 of id>.qrx-part". At most 140 bytes.
std::string partial_name(std::string_view leaf, const Id& file, bool lasting = true);
bool is_partial(std::string_view leaf);          // either form
bool is_passing_partial(std::string_view leaf);  // the second

}  // namespace qrx::receive
