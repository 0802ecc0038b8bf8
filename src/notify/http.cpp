#include "notify/http.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/text.h"
#include "base/version.h"
#include "notify/protocol.h"
#include "notify/transport.h"
#include "wire/link.h"

namespace qrx::notify {
namespace {

constexpr long connect_seconds = 10;
constexpr long total_seconds = 40;
// Answers of these APIs are far below; of a page that is longer the status is known by then.
constexpr std::size_t most_answer = 64 * 1024;
constexpr Seconds longest_retry_after{86400};

struct Session {
  const HookRules* hook = nullptr;
  bool plain_http = false;
  bool refused = false;  // an address was
  bool reached_out = false;
  std::string body;
};

// Asked by libcurl for each address just before it connects: a name that leads to a public address when it is checked,
// and to 10.0.0.1 when it is used, gains nothing (DNS rebinding).
curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& session = *static_cast<Session*>(user);
  if (session.hook) {
    const auto where = address_of(&address->addr, address->addrlen);
    const bool listed = where && std::any_of(session.hook->networks.begin(), session.hook->networks.end(),
                                             [&](const Network& network) { return network.holds(*where); });
    const bool open = where && is_public(*where);
    const bool allowed =
        where && (open ? !session.plain_http || session.hook->allow_http : session.hook->any_private || listed);
    if (!allowed) {
      session.refused = true;
      return CURL_SOCKET_BAD;
    }
  }
  // From here on a request may have left.
  session.reached_out = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t take_body(const char* data, std::size_t, std::size_t size, void* user) {
  auto& session = *static_cast<Session*>(user);
  const std::size_t room = most_answer - session.body.size();
  session.body.append(data, std::min(room, size));
  return size <= room ? size : 0;  // 0 ends it: the status is known
}

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, CurlFree>;
using List = std::unique_ptr<curl_slist, CurlFree>;

Easy prepare(const HttpRequest& request, Session& session, const List& headers) {
  Easy curl(curl_easy_init());
  if (!curl) return curl;
  CURL* c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
  // No file:, gopher: and so on, whatever libcurl was built with.
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  // A redirect would lead past the check of the host.
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method != "GET") {
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_USERAGENT, user_agent);
  if (!request.user.empty() || !request.password.empty()) {
    curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(c, CURLOPT_USERNAME, request.user.c_str());
    curl_easy_setopt(c, CURLOPT_PASSWORD, request.password.c_str());
  }
  if (!request.ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, request.ca_file.c_str());
  // The defaults of libcurl, stated: nothing in the environment may change them.
  curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
  // A proxy would connect for us, to addresses that nobody checks here.
  if (request.hook) curl_easy_setopt(c, CURLOPT_PROXY, "");
  // Passwords of the user's ~/.netrc are not for the operator's hooks.
  curl_easy_setopt(c, CURLOPT_NETRC, CURL_NETRC_IGNORED);
  // Timeouts without SIGALRM.
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, connect_seconds);
  curl_easy_setopt(c, CURLOPT_TIMEOUT, total_seconds);
  // Each notice stands alone, and hooks of different strangers share no connection.
  curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, &session);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &session);
  return curl;
}

bool is_before_the_request(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_PROXY:
      return true;
    default:
      return false;
  }
}

// Whether the other side may have taken it decides: what certainly did not arrive is tried again, what perhaps did is
// not, unless sending it twice does no harm.
Outcome no_answer(CURLcode code, const Session& session, bool request_sent, bool repeatable) {
  // All of them were refused; one that was tried failed for another reason.
  if (session.refused && !session.reached_out)
    return failed(session.plain_http ? "the hook's address is refused: not public, or http only"
                                     : "the hook's address is refused: not public");
  const std::string reason = curl_easy_strerror(code);
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) return failed("the address is malformed");
  if (code == CURLE_PEER_FAILED_VERIFICATION) return failed("the certificate of the other side is not valid");
  if (!request_sent || repeatable || is_before_the_request(code)) return later(reason);
  return unknown(reason);
}

}  // namespace

HookRules hook_rules(const Settings& settings, const Table& table) {
  HookRules rules;
  rules.any_private = settings.private_addresses;
  for (const std::string& text : settings.allowed_networks)
    if (const auto network = Network::parse(text)) rules.networks.push_back(*network);
  for (const std::string& host : table.list("hosts")) rules.hosts.push_back(to_lower_ascii(host));
  rules.allow_http = table.truth("allow_http", false);
  return rules;
}

tl::expected<HttpAnswer, Outcome> ask(const HttpRequest& request) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  Session session;
  session.hook = request.hook;
  session.plain_http = to_lower_ascii(request.url.substr(0, 7)) == "http://";
  // By the host, before anything is looked up.
  if (request.hook && !request.hook->hosts.empty()) {
    const auto origin = wire::Origin::parse(request.url.substr(0, request.url.find_first_of("/?", 8)));
    if (!origin ||
        std::find(request.hook->hosts.begin(), request.hook->hosts.end(), origin->host) == request.hook->hosts.end())
      return tl::unexpected(failed("hooks to this host are not allowed here"));
  }
  List headers;
  for (const std::string& header : request.headers) headers.reset(curl_slist_append(headers.release(), header.c_str()));
  // libcurl would wait a second for "100 Continue" before larger bodies.
  headers.reset(curl_slist_append(headers.release(), "Expect:"));
  const Easy curl = prepare(request, session, headers);
  if (!ready || !curl) return tl::unexpected(later("cannot start libcurl"));
  const CURLcode code = curl_easy_perform(curl.get());

  HttpAnswer answer;
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  // take_body() ended it, as the body is longer than is of interest.
  const bool complete = code == CURLE_OK || (code == CURLE_WRITE_ERROR && session.body.size() == most_answer);
  if (!complete || status == 0) {
    long sent_bytes = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_REQUEST_SIZE, &sent_bytes);
    return tl::unexpected(no_answer(code, session, sent_bytes > 0, request.repeatable));
  }
  answer.body = std::move(session.body);
  curl_off_t wait = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RETRY_AFTER, &wait);
  if (wait > 0) answer.retry_after = std::min(Seconds(wait), longest_retry_after);
  return answer;
}

Outcome judge(const HttpAnswer& answer, bool repeatable, std::string_view what) {
  std::string reason = "HTTP " + std::to_string(answer.status);
  if (!what.empty()) reason += ": " + one_line(what);
  if (answer.status >= 200 && answer.status < 300) return sent();
  if (answer.status == 504 && !repeatable)
    return unknown(reason);  // a gateway that gave up on somebody who may have taken it
  // Too early, too often, or the server's own trouble: another time it may work.
  if (answer.status == 408 || answer.status == 425 || answer.status == 429 || answer.status >= 500)
    return later(reason, answer.retry_after);
  if (answer.status >= 300 && answer.status < 400) return failed(reason + ": redirects are not followed");
  return failed(reason);
}

}  // namespace qrx::notify
