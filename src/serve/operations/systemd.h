// What systemd is told (sd_notify(3)), without its library.
#pragma once

#include <string_view>

namespace qrx::serve {

// Sends "READY=1" and the like to $NOTIFY_SOCKET. Without that variable, and on any failure, it does nothing.
void tell_systemd(std::string_view state);

}  // namespace qrx::serve
