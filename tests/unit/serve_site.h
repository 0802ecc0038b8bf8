// A site over a store of its own, and requests to it without sockets.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "serve/routes/router.h"
#include "space/shares.h"
#include "unit/space_world.h"

namespace qrx::test {

inline constexpr std::size_t chunk_bytes = 4096;

struct Asked {
  std::string method = "GET";
  std::string path = "/";
  std::string query;
  std::vector<http::Header> headers;
  std::string body;
  bool has_body = false;
  bool chunked = false;  // the body comes in pieces of at most chunk_bytes
  bool control = false;
  std::string peer = "192.0.2.1";
  std::function<void()> piece_out;  // called when a piece of the answer's body is on its way
};

// What came back in the end; of a Send, its head and its bytes.
struct Got {
  int status = 0;
  std::string type;
  std::string body;
  std::map<std::string, std::string> headers;
  bool waited = false;
  bool worked = false;     // in the work queue
  bool took_body = false;  // a byte of the body was asked for
  std::size_t body_read = 0;

  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

class SiteWorld {
 public:
  explicit SiteWorld(serve::SiteOptions options = {}, space::Policy policy = relaxed());

  static space::Policy relaxed() {
    space::Policy policy;
    policy.relaxed = true;
    return policy;
  }

  Got ask(const Asked& asked, bool time_over = true);
  Got put(const Guid& guid, const std::string& name, const std::string& bytes);

  World world;
  std::vector<std::string> lines;  // of the log
  serve::Log log;
  std::vector<Id> woken;
  space::Shares shares;
  serve::Site site;
  serve::Router router{site};

 private:
  Got finish(front::Reply reply, const Asked& asked, bool time_over);
};

std::string bearer(const Token& token);

}  // namespace qrx::test
