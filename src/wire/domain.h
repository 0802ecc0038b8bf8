// Names of hosts as people write them.
#pragma once

#include <string>
#include <string_view>

namespace qrx::wire {

// A domain as DNS has it: "bücher.example" is "xn--bcher-kva.example" there (IDNA 2008 with the mapping of UTS 46).
// Empty when it cannot be one: then it would have a mark of a URL in it, say. Of what is ASCII already only the case is
// changed.
std::string domain_in_ascii(std::string_view domain);

}  // namespace qrx::wire
