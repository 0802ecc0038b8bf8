// Looks for QR codes in a gray picture: a chain of steps from cheap to costly, under a budget.
#pragma once

#include "vision/gray.h"
#include "vision/search_options.h"

namespace qrx::vision {

// Never throws; a step that fails (no memory) is skipped. Prints nothing, starts no thread.
SearchResult search_codes(const Gray& gray, const SearchOptions& options);

// Runs every kind of operation once, so that the libraries ask the system what they want to know before the sandbox
// shuts.
void warm_up_search();

}  // namespace qrx::vision
