// Links as they come out of messengers, mails, documents and the bars of browsers.
#pragma once

#include <string>
#include <string_view>

namespace qrx::wire {

// A link as it was meant, where that is beyond doubt; what is left over is for the parsers of links to judge.
std::string as_meant(std::string_view given);

// The host of a URL as DNS has it: "bücher.example", full-width digits.
void put_host_in_ascii(std::string& url);

}  // namespace qrx::wire
