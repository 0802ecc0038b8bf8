// The version of qrx. It stands in CMakeLists.txt alone, and comes in by one file, which a new one compiles anew.
#pragma once

namespace qrx {

extern const char* const version;     // "0.2.0"
extern const char* const user_agent;  // "qrx/0.2.0"

}  // namespace qrx
