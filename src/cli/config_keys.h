// Which keys and tables the user's configuration file may have, whichever tool reads it: its top level is shared by
// all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qrx::cli {

// An option of any of the tools that read the user's file, without dashes. tests/tree compares them with the
// completions.
bool is_shared_key(std::string_view key);
// [recv], [send], [share], and [notify] and [to] with what is below them.
bool is_shared_table(std::string_view table);

// The one of `words` that `given` most likely was meant to be: at most two slips away; empty when there is none.
std::string nearest(std::string_view given, const std::vector<std::string>& words);
// The same among the shared keys, or tables.
std::string nearest_shared_key(std::string_view given);
std::string nearest_shared_table(std::string_view given);

}  // namespace qrx::cli
