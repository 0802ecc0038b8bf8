// Requests of the client to a scripted server, with short times.
#pragma once

#include <string>

#include "http/client.h"
#include "scripted_server.h"

namespace qrx::test {

inline http::ClientOptions quick() {
  http::ClientOptions options;
  options.connect_time = Millis(2000);
  options.answer_time = Millis(2000);
  options.stall_time = Millis(2000);
  return options;
}

inline http::ClientRequest get(const std::string& target = "/") {
  http::ClientRequest request;
  request.target = target;
  return request;
}

inline ScriptedServer::Script answering(std::string answer) {
  return [answer](Peer& peer) {
    peer.head();
    peer.send(answer);
  };
}

}  // namespace qrx::test
