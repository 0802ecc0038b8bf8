#include "notify/xmpp.h"

#include <strophe.h>

#include <chrono>
#include <cstring>
#include <memory>

#include "notify/protocol.h"
#include "notify/transport_table.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds most_time{45};
constexpr std::size_t most_text = 4096;  // ours; servers differ
constexpr unsigned long poll_ms = 100;
constexpr const char* ping_id = "qrx-ping";

struct Talk {
  const Notice* notice = nullptr;
  std::string text;
  std::string domain;
  bool connected = false;
  bool message_sent = false;
  bool over = false;
  bool wrong_password = false;
  std::string certificate;
  std::optional<Outcome> outcome;
};

// libstrophe's handler for certificates has no user data. The helper has one thread.
Talk* current = nullptr;

// libstrophe has no event for it; its log alone says so.
void note_log(void* user, xmpp_log_level_t, const char*, const char* text) {
  if (std::strstr(text, "auth failed")) static_cast<Talk*>(user)->wrong_password = true;
}

int refuse_certificate(const xmpp_tlscert_t*, const char* const error) {
  // Nobody is there to ask, so no certificate that fails is taken.
  if (current) current->certificate = error ? error : "not valid";
  return 0;
}

std::string error_text(xmpp_conn_t* conn, xmpp_stanza_t* stanza) {
  xmpp_stanza_t* error = xmpp_stanza_get_child_by_name(stanza, "error");
  if (!error) return "refused";
  if (xmpp_stanza_t* text = xmpp_stanza_get_child_by_name(error, "text"))
    if (char* words = xmpp_stanza_get_text(text)) {
      std::string out = one_line(words);
      xmpp_free(xmpp_conn_get_context(conn), words);
      if (!out.empty()) return out;
    }
  xmpp_stanza_t* condition = xmpp_stanza_get_children(error);
  const char* name = condition ? xmpp_stanza_get_name(condition) : nullptr;
  return name ? one_line(name) : "refused";
}

bool is_temporary(xmpp_stanza_t* stanza) {
  xmpp_stanza_t* error = xmpp_stanza_get_child_by_name(stanza, "error");
  const char* type = error ? xmpp_stanza_get_attribute(error, "type") : nullptr;
  // RFC 6120, 8.3.2: "wait" means that it may work later.
  return type && std::strcmp(type, "wait") == 0;
}

int on_message(xmpp_conn_t* conn, xmpp_stanza_t* stanza, void* user) {
  auto& talk = *static_cast<Talk*>(user);
  const char* type = xmpp_stanza_get_type(stanza);
  const char* id = xmpp_stanza_get_id(stanza);
  // An error carries the id of the message that it is about.
  if (type && std::strcmp(type, "error") == 0 && id && talk.notice->id.text() == id) {
    talk.outcome = is_temporary(stanza) ? later(error_text(conn, stanza)) : failed(error_text(conn, stanza));
    xmpp_disconnect(conn);
  }
  return 1;
}

int on_pong(xmpp_conn_t* conn, xmpp_stanza_t*, void* user) {
  auto& talk = *static_cast<Talk*>(user);
  if (!talk.outcome) talk.outcome = sent();  // an error, too, is an answer to what came after the message
  xmpp_disconnect(conn);
  return 0;
}

void say(xmpp_conn_t* conn, Talk& talk) {
  xmpp_ctx_t* context = xmpp_conn_get_context(conn);
  // Before anything is sent: the answer may be there at once.
  xmpp_handler_add(conn, on_message, nullptr, "message", nullptr, &talk);
  xmpp_id_handler_add(conn, on_pong, ping_id, &talk);
  xmpp_stanza_t* message =
      xmpp_message_new(context, "chat", talk.notice->to.address.c_str(), talk.notice->id.text().c_str());
  xmpp_message_set_body(message, talk.text.c_str());
  xmpp_send(conn, message);
  xmpp_stanza_release(message);
  // The server answers in order: its pong says that it has dealt with the message (see the header).
  xmpp_stanza_t* iq = xmpp_iq_new(context, "get", ping_id);
  xmpp_stanza_set_to(iq, talk.domain.c_str());
  xmpp_stanza_t* ping = xmpp_stanza_new(context);
  xmpp_stanza_set_name(ping, "ping");
  xmpp_stanza_set_ns(ping, "urn:xmpp:ping");
  xmpp_stanza_add_child(iq, ping);
  xmpp_stanza_release(ping);
  xmpp_send(conn, iq);
  xmpp_stanza_release(iq);
  talk.message_sent = true;
}

void on_connection(xmpp_conn_t* conn, xmpp_conn_event_t event, int, xmpp_stream_error_t*, void* user) {
  auto& talk = *static_cast<Talk*>(user);
  if (event == XMPP_CONN_CONNECT) {
    // Although the flag asks for it: with an old library, or a server's mistake, nothing is said in the clear.
    if (!xmpp_conn_is_secured(conn)) {
      talk.outcome = failed("the XMPP server offers no TLS");
      xmpp_disconnect(conn);
      return;
    }
    talk.connected = true;
    say(conn, talk);
  } else if (event == XMPP_CONN_DISCONNECT || event == XMPP_CONN_FAIL) {
    talk.over = true;
  }
}

class Xmpp : public Transport {
 public:
  Xmpp(Table table, std::string password) : table_(std::move(table)), password_(std::move(password)) {
    static const bool ready = (xmpp_initialize(), true);
    (void)ready;
  }

  Outcome send(const Notice& notice) override {
    Talk talk;
    talk.notice = &notice;
    talk.text = chat_text(notice, most_text);
    const std::string jid = table_.text("user");
    talk.domain = jid.substr(jid.find('@') + 1);
    talk.domain = talk.domain.substr(0, talk.domain.find('/'));
    xmpp_log_t log{note_log, &talk};
    const std::unique_ptr<xmpp_ctx_t, void (*)(xmpp_ctx_t*)> context(xmpp_ctx_new(nullptr, &log), xmpp_ctx_free);
    if (!context) return later("cannot start libstrophe");
    const std::unique_ptr<xmpp_conn_t, int (*)(xmpp_conn_t*)> conn(xmpp_conn_new(context.get()), xmpp_conn_release);
    if (!conn) return later("cannot start libstrophe");
    xmpp_conn_set_jid(conn.get(), jid.c_str());
    xmpp_conn_set_pass(conn.get(), password_.c_str());
    // No stream management: its resumption would keep the connection alive behind this notice.
    xmpp_conn_set_flags(conn.get(), XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_DISABLE_SM);
    const std::string ca_file = table_.path("ca_file");
    if (!ca_file.empty()) xmpp_conn_set_cafile(conn.get(), ca_file.c_str());
    xmpp_conn_set_certfail_handler(conn.get(), refuse_certificate);
    current = &talk;
    const std::string host = table_.text("host");
    const auto port = static_cast<unsigned short>(std::stoul(table_.text("port", "0")));  // settings.cpp: it fits
    if (xmpp_connect_client(conn.get(), host.empty() ? nullptr : host.c_str(), port, on_connection, &talk) !=
        XMPP_EOK) {
      current = nullptr;
      return later("cannot reach the XMPP server");
    }
    const auto deadline = SteadyClock::now() + most_time;
    // In steps, since libstrophe has no deadline of its own.
    while (!talk.over && SteadyClock::now() < deadline) xmpp_run_once(context.get(), poll_ms);
    current = nullptr;
    if (talk.outcome) return *talk.outcome;
    // Sent a second time it could be there twice.
    if (talk.message_sent) return unknown("the XMPP server did not say whether it took the message");
    if (!talk.certificate.empty())
      return failed("the XMPP server's certificate is not valid: " + one_line(talk.certificate));
    if (talk.wrong_password) return failed("the XMPP server refused the password");
    return later(talk.over ? "the XMPP server ended the connection" : "the XMPP server did not answer in time");
  }

 private:
  Table table_;
  std::string password_;
};

}  // namespace

MadeTransport make_xmpp(const Settings& settings) {
  Table table(settings, "xmpp");
  auto password = table.secret("password_file");
  if (!password) return tl::unexpected(password.error());
  return std::make_unique<Xmpp>(std::move(table), std::move(*password));
}

}  // namespace qrx::notify
