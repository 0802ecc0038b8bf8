// The texts of shares: tokens of links, the sharer's words, reasons. Pure. Private to src/space.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/id.h"

namespace qrx::space {

// The token of a share's link: only somebody who has the owner's token (or the link) can write it.
std::string link_token(std::string_view owner_token, const Id& share);

// What goes into a notice in the server's name: short, plain, without links and tricks. Kind::usage says what is wrong.
Result<void> check_share_message(std::string_view message);

std::string one_line(std::string_view reason);  // without line ends and control characters, at most 300 bytes

// The country code of a number in E.164: "86" of "+8613800138000".
std::string country_of(std::string_view number);

}  // namespace qrx::space
