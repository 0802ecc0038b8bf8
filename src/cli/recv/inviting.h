// What people are shown of a space that was opened: the code on the terminal, in a picture, on a poster; and the event.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/events.h"
#include "cli/invitation.h"
#include "cli/recv/recv_settings.h"
#include "cli/space/opened_space.h"
#include "cli/user_messages.h"
#include "qr/symbol.h"

namespace qrx::cli {

// What stands on the terminal while it waits. `words`: the four of the link, or empty.
Invitation invitation_of(const RecvSettings& set, const OpenedSpace& space, const std::string& words,
                         qr::Symbol symbol);

// Writes the picture and the poster that were asked for, tells machines, and returns what is to stand on the terminal.
Result<Invitation> announce(const RecvSettings& set, const OpenedSpace& space, const Messages& messages,
                            StdoutWriter& to_stdout);

}  // namespace qrx::cli
