// Where things stand on this machine (XDG base directories).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::cli {

// $XDG_CONFIG_HOME/qrx/config.toml; empty when there is neither that variable nor a home.
std::string config_path();

// "~" and "~/Inbox" with the home in place of "~"; everything else as it is.
std::string below_home(std::string path);

// $XDG_STATE_HOME/qrx; without the variable ~/.local/state/qrx. The home is $HOME, else that of the user database.
// Kind::other when there is none (a hint says to set XDG_STATE_HOME).
Result<std::string> state_dir();

// Where qrx-recv keeps what later runs need: $XDG_STATE_HOME/qrx/recv; empty when there is no home.
std::string receiving_dir();

}  // namespace qrx::cli
