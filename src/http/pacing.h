// How TCP paces what it sends.
#pragma once

namespace qrx::http {

// Between two processes of one machine there is nothing to pace, but BBR, the congestion control of some kernels, does:
// its timers made a download of 1 GiB by loopback take 0.5 s of the server's CPU; CUBIC needs 0.12 s. A socket that has
// been BBR's once stays paced, so BBR must come last: avoid it before listen() or connect(), then restore it for
// connections to other machines, which keep the administrator's choice. Both do nothing when the kernel's choice is
// another one, or when this user may not choose. TCP sockets only; any thread.
void avoid_bbr(int socket);
void restore_pacing(int connected);

}  // namespace qrx::http
