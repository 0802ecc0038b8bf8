#include "notify/mail.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "notify/command.h"
#include "notify/mail_message.h"
#include "notify/protocol.h"
#include "notify/transport_table.h"

namespace qrx::notify {
namespace {

constexpr long connect_seconds = 20;
constexpr long total_seconds = 90;
// The message is taken or refused by then; a server that does not answer QUIT holds up the next notice only.
constexpr long quit_seconds = 1;
constexpr Seconds sendmail_limit{60};

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Session {
  CURL* curl = nullptr;
  std::string_view rest;  // of the message
  bool all_read = false;  // the final dot may have been sent
  bool answered = false;  // and it was answered,
  bool taken = false;     // with 2xx
  std::string refusal;    // the server's last line of 4xx or 5xx; libcurl may say QUIT after it
};

std::size_t give(char* to, std::size_t, std::size_t room, void* user) {
  auto& session = *static_cast<Session*>(user);
  const std::size_t size = std::min(room, session.rest.size());
  session.rest.copy(to, size);
  session.rest.remove_prefix(size);
  // libcurl sends the final dot after this.
  if (size == 0) session.all_read = true;
  return size;
}

std::size_t hear(const char* line, std::size_t, std::size_t size, void* user) {
  auto& session = *static_cast<Session*>(user);
  // Replies before it are to MAIL, RCPT and DATA.
  if (session.all_read && !session.answered && size >= 3) {
    session.answered = true;
    session.taken = line[0] == '2';
  }
  // What comes now is QUIT, and whether that is answered is nothing to wait for.
  if (session.answered) curl_easy_setopt(session.curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, quit_seconds);
  if (size >= 3 && (line[0] == '4' || line[0] == '5')) session.refusal.assign(line, std::min<std::size_t>(size, 512));
  return size;
}

std::size_t drop(const char*, std::size_t, std::size_t size, void*) {
  return size;
}

class Smtp : public Transport {
 public:
  Smtp(Table table, std::string password)
      : table_(std::move(table)), password_(std::move(password)), sender_(parse_sender(table_.text("from"))) {
    sender_.unsubscribe = table_.text("unsubscribe");
  }

  Outcome send(const Notice& notice) override {
    const std::string message = mail_message(sender_, notice, system_clock().wall());
    const std::unique_ptr<curl_slist, CurlFree> to(curl_slist_append(nullptr, ("<" + notice.to.address + ">").c_str()));
    const std::unique_ptr<CURL, CurlFree> curl(curl_easy_init());
    if (!curl || !to) return later("cannot start libcurl");
    CURL* c = curl.get();
    Session session{c, message, false, false, false, {}};
    const std::string from = "<" + sender_.address + ">";
    curl_easy_setopt(c, CURLOPT_URL, table_.text("url").c_str());
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    // SMTP goes out directly: proxies of the environment are for the web.
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    // CURLUSESSL_ALL: without TLS nothing is sent, neither password nor message.
    curl_easy_setopt(c, CURLOPT_USE_SSL,
                     static_cast<long>(table_.text("tls", "required") == "off" ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    const std::string ca_file = table_.path("ca_file");
    if (!ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, ca_file.c_str());
    if (table_.has("user")) {
      curl_easy_setopt(c, CURLOPT_USERNAME, table_.text("user").c_str());
      curl_easy_setopt(c, CURLOPT_PASSWORD, password_.c_str());
    }
    curl_easy_setopt(c, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to.get());
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(c, CURLOPT_READDATA, &session);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, hear);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &session);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);  // it ends here, not in the clean-up, which has limits of its own
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, connect_seconds);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, total_seconds);
    return outcome_of(curl_easy_perform(c), c, session);
  }

 private:
  static Outcome outcome_of(CURLcode code, CURL* curl, const Session& session) {
    // `taken` also when the connection broke in QUIT: the message is theirs.
    if (code == CURLE_OK || session.taken) return sent();
    long reply = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
    const bool answered = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_WEIRD_SERVER_REPLY ||
                          code == CURLE_LOGIN_DENIED || code == CURLE_UPLOAD_FAILED || code == CURLE_PARTIAL_FILE ||
                          code == CURLE_QUOTE_ERROR;
    const std::string said = one_line(session.refusal);
    const std::string trouble = curl_easy_strerror(code);
    switch (code) {
      // The three that no later try mends.
      case CURLE_USE_SSL_FAILED:
        return failed("the mail server offers no TLS (tls = \"required\")");
      case CURLE_PEER_FAILED_VERIFICATION:
        return failed("the mail server's certificate is not valid");
      case CURLE_SSL_CACERT_BADFILE:
        return failed("cannot read ca_file");
      default:
        break;
    }
    // A reply that refuses says what became of it, at whatever point it came.
    if (answered && reply >= 400 && reply < 600 && said.starts_with(std::to_string(reply))) {
      if (code == CURLE_LOGIN_DENIED)
        return reply >= 500 ? failed("the mail server refused the password: " + said) : later(said);
      return reply >= 500 ? failed(said) : later(said);
    }
    // The final dot may have arrived: sent a second time it could be there twice.
    if (session.all_read) return unknown("the mail server did not say whether it took the message: " + trouble);
    if (code == CURLE_LOGIN_DENIED) return failed("the mail server refused the password");
    return later(trouble);
  }

  Table table_;
  std::string password_;
  MailSender sender_;
};

class Sendmail : public Transport {
 public:
  explicit Sendmail(const Table& table) : program_(table.path("sendmail")), sender_(parse_sender(table.text("from"))) {
    sender_.unsubscribe = table.text("unsubscribe");
  }

  Outcome send(const Notice& notice) override {
    std::string message = mail_message(sender_, notice, system_clock().wall());
    // sendmail(8) reads lines as this system has them.
    message.erase(std::remove(message.begin(), message.end(), '\r'), message.end());
    // "-i": a line with a dot alone does not end the message. "--": no address is an option.
    return run_command({program_, "-i", "-f", sender_.address, "--", notice.to.address}, message, sendmail_limit);
  }

 private:
  std::string program_;
  MailSender sender_;
};

}  // namespace

MadeTransport make_mail(const Settings& settings) {
  Table table(settings, "mail");
  if (table.has("sendmail")) return std::make_unique<Sendmail>(table);
  auto password = table.secret("password_file");
  if (!password) return tl::unexpected(password.error());
  return std::make_unique<Smtp>(std::move(table), std::move(*password));
}

}  // namespace qrx::notify
