#include "unit/catch.h"

#include <sstream>

#include "base/bytes.h"
#include "notify/mail_message.h"
#include "notify/signature.h"

using namespace qrx;
using namespace qrx::notify;

namespace {

Notice sample() {
  Notice notice;
  notice.id = *Id::parse("aaaaaaaaaaaeaaeaaaaaaaaaaa");
  notice.to = *wire::parse_recipient("alice@example.org");
  notice.from = "J\u00FCrgen";
  notice.link = "https://qrx.example.org/d/" + std::string(32, 'a') + "#AGE-SECRET-KEY-1" + std::string(58, 'Q');
  notice.summary = "1 file, 3 B";
  return notice;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

}  // namespace

TEST_CASE("a mail has its heads once, in lines of at most 78 characters that end in CRLF") {
  const std::string message =
      mail_message(parse_sender("File drop <qrx@sender.example>"), sample(), *from_rfc3339("2026-11-22T09:05:07Z"));
  for (const std::string& line : lines_of(message)) {
    CHECK(line.ends_with('\r'));
    CHECK(line.size() <= 79);
  }
  const std::string head = message.substr(0, message.find("\r\n\r\n") + 2);
  for (const char* line :
       {"Date: Sun, 22 Nov 2026 09:05:07 +0000\r\n", "From: \"File drop\"\r\n <qrx@sender.example>\r\n",
        "To: alice@example.org\r\n", "Message-ID: <aaaaaaaaaaaeaaeaaaaaaaaaaa@sender.example>\r\n",
        "Auto-Submitted: auto-generated\r\n", "List-Unsubscribe: <mailto:qrx@sender.example?subject=unsubscribe>\r\n",
        "MIME-Version: 1.0\r\n"})
    CHECK(head.find(line) != std::string::npos);
  CHECK(head.find("\r\nSubject: =?UTF-8?B?") != std::string::npos);
  CHECK(message ==
        mail_message(parse_sender("File drop <qrx@sender.example>"), sample(), *from_rfc3339("2026-11-22T09:05:07Z")));
}

TEST_CASE("hostile words make no head") {
  Notice notice = sample();
  notice.from = notice.summary = notice.message =
      "x\r\nBcc: evil@example.net\r\n\r\n--qrx-aaaaaaaaaaaeaaeaaaaaaaaaaa--\r\n";
  const std::string message = mail_message(parse_sender("qrx@sender.example"), notice, WallTime{});
  CHECK(message.find("\r\n--qrx-aaaaaaaaaaaeaaeaaaaaaaaaaa--") ==
        message.rfind("\r\n--qrx-aaaaaaaaaaaeaaeaaaaaaaaaaa--"));
  const auto lines = lines_of(message.substr(0, message.find("\r\n\r\n")));
  CHECK(std::none_of(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("Bcc"); }));
}

TEST_CASE("encoded words are short, whole characters, and only where needed") {
  CHECK(encoded_header("plain words", 9) == "plain words");
  CHECK(encoded_header("=?x?=", 9).starts_with("=?UTF-8?B?"));
  std::string text;
  for (int i = 0; i < 60; ++i) text += "\u5F20";
  const std::string encoded = encoded_header(text, 9);
  std::string decoded;
  for (std::string word : lines_of(encoded)) {
    if (word.ends_with('\r')) word.pop_back();
    if (word.starts_with(' ')) word.erase(0, 1);
    CHECK(word.size() <= 75);
    REQUIRE(word.starts_with("=?UTF-8?B?"));
    const auto bytes = from_base64(std::string_view(word).substr(10, word.size() - 12));
    REQUIRE(bytes);
    CHECK(bytes->size() % 3 == 0);  // no character is cut
    decoded.append(bytes->begin(), bytes->end());
  }
  CHECK(decoded == text);
}

TEST_CASE("quoted-printable keeps blanks at the ends of lines, dots and equal signs") {
  CHECK(quoted_printable("a=b \n.c\n--x\nFrom d\n") == "a=3Db=20\r\n=2Ec\r\n=2D-x\r\n=46rom d\r\n");
  CHECK(quoted_printable("\u00E9") == "=C3=A9");
  const std::string wrapped = quoted_printable(std::string(200, 'x'));
  for (const std::string& line : lines_of(wrapped)) CHECK(line.size() <= 77);
  CHECK(quoted_printable(std::string(76, 'x')) == std::string(76, 'x'));
}

TEST_CASE("signatures are HMAC-SHA256 (RFC 4231)") {
  CHECK(to_hex(as_bytes(hmac_sha256("Jefe", "what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(as_bytes(
            hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"))) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
