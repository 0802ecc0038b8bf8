// Notices made of hostile words: every form is one message, with the link whole and no other one.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "notify/mail_message.h"
#include "notify/protocol.h"
#include "notify/wording.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qrx::notify;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)read_settings(text);
  (void)read_notice(text);
  (void)read_outcome(text);

  Notice notice;
  notice.to = {qrx::wire::Channel::mail, "alice@example.org"};
  notice.from = text.substr(0, text.size() / 3);
  notice.summary = text.substr(text.size() / 3, text.size() / 3);
  notice.message = text.substr(2 * text.size() / 3);
  notice.link = "https://q.example/d/abc";
  const auto once = [&](const std::string& words) {
    const auto at = words.find("://");
    return qrx::is_valid_utf8(words) && at != std::string::npos && words.find(notice.link) == at - 5 &&
           words.find("://", at + 1) == std::string::npos;
  };
  const std::string sms = sms_text(notice);
  if (!once(sms) || (gsm_septets(sms) > 160) || (gsm_septets(sms) == 0 && to_utf16(sms).size() > 70)) std::abort();
  if (!once(chat_text(notice, 2000)) || chat_text(notice, 2000).size() > 2000 || !once(mail_text(notice))) std::abort();
  const std::string mail = mail_message(parse_sender("qrx@sender.example"), notice, qrx::WallTime{});
  const std::string head = mail.substr(0, mail.find("\r\n\r\n"));
  std::size_t lines = 0;
  for (std::size_t i = 0; i < mail.size(); ++i) {
    if (static_cast<unsigned char>(mail[i]) >= 0x7F || (mail[i] == '\n' && (i == 0 || mail[i - 1] != '\r')))
      std::abort();
    // A head's line is a name of ours, or goes on.
    if (i < head.size() && mail[i] == '\n' && mail[i + 1] != ' ') ++lines;
  }
  if (lines != 9) std::abort();
  return 0;
}
