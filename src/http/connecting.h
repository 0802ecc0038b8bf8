// Finding a host and connecting to it, under one deadline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/networks.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "http/interrupt.h"

namespace qrx::http {

// How a client reaches its server.
struct ConnectOptions {
  Millis connect_time{10'000};
  std::string proxy;      // "http://host:port" for CONNECT, from HTTPS_PROXY and NO_PROXY; empty: none
  std::string ca_file;    // extra trust anchors, PEM; empty: the system's
  std::string unix_path;  // connect here instead of to the origin's host (the control socket)
  // The address of the server that named this host: connects only where that may lead (base/networks.h), and not by a
  // proxy, for nobody knows where that connects to.
  std::optional<Address16> led_by;
};

// A connected, non-blocking socket. All addresses of the host are tried, each 250 ms after the one before or as soon as
// that failed; of `led_by` as ConnectOptions has it. `peer` names the other end in errors: Kind::other when there is no
// such host, else Kind::unavailable. Any thread; one that looks up the name may be left behind when the time is over.
Result<UniqueFd> connect_tcp(const std::string& host, std::uint16_t port, const std::string& peer,
                             const Interrupt& interrupt, Steady deadline,
                             const std::optional<Address16>& led_by = std::nullopt);

// Of a socket that is connected by IP.
std::optional<Address16> peer_address(const UniqueFd& socket);

// The same for a Unix socket. Kind::usage: the path is too long for one.
Result<UniqueFd> connect_unix(const std::string& path);

// How a wait fails on its way: raised from outside, or "no connection to PEER: WHY".
tl::unexpected<Error> interrupted();
tl::unexpected<Error> no_answer(const std::string& peer, const std::string& why);

int poll_time(Steady deadline);  // what is left, in milliseconds rounded up, as poll(2) wants it

}  // namespace qrx::http
