// The HTTP requests of transports, by libcurl: certificates verified, no redirects followed, time and size of the
// answer limited, one connection a request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/networks.h"
#include "notify/notice.h"
#include "notify/transport_table.h"

namespace qrx::notify {

// Which addresses a hook may go to that a caller of ours has named. The addresses in a configuration are the operator's
// own.
struct HookRules {
  bool any_private = false;
  std::vector<Network> networks;   // private ones that are listed
  std::vector<std::string> hosts;  // no others, if there are any
  bool allow_http = false;         // to public addresses; to private ones that are allowed http is too
};
HookRules hook_rules(const Settings& settings, const Table& table);

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::vector<std::string> headers;  // "Name: value", checked by whoever makes them
  std::string body;
  std::string user;  // with a password: Basic
  std::string password;
  std::string ca_file;
  const HookRules* hook = nullptr;  // null: the operator's own address
  bool repeatable = false;          // the other side knows it again when it is sent twice
};

struct HttpAnswer {
  int status = 0;
  std::string body;  // at most 64 KiB of it
  std::optional<Seconds> retry_after;
};

// The answer; or, where there was none, the outcome: later when nothing was sent, unknown when it may have been taken,
// failed when the address is refused. No reason names the URL: it may hold a secret.
tl::expected<HttpAnswer, Outcome> ask(const HttpRequest& request);

// By the status alone: 2xx sent, 408, 425, 429 and 5xx later (504 unknown unless repeatable), all else failed. `what`
// is the other side's own explanation, or empty.
Outcome judge(const HttpAnswer& answer, bool repeatable, std::string_view what = {});

}  // namespace qrx::notify
