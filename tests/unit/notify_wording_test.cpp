#include "unit/catch.h"

#include "base/text.h"
#include "notify/wording.h"

using namespace qrx;
using namespace qrx::notify;

namespace {

Notice sample() {
  Notice notice;
  notice.id = *Id::parse("aaaaaaaaaaaeaaeaaaaaaaaaaa");
  notice.to = *wire::parse_recipient("alice@example.org");
  notice.from = "Alice";
  notice.link = "https://qrx.example.org/d/" + std::string(32, 'a');
  notice.summary = "3 files, 12 MB";
  notice.expires = from_rfc3339("2026-11-24T23:00:00Z");
  return notice;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("nothing in the caller's words is made a link of") {
  struct Case {
    const char *words, *plain;
  };
  for (const Case& c :
       {Case{"see https://evil.example/x?y=z", "see https[:]//evil[.]example/x?y=z"},
        Case{"www.evil.example", "www[.]evil[.]example"}, Case{"evil.com/login", "evil[.]com/login"},
        Case{"mailto:bob@evil.com", "mailto[:]bob@evil[.]com"}, Case{"javascript:alert(1)", "javascript[:]alert(1)"},
        Case{"//evil.com/x", "/ /evil[.]com/x"}, Case{"b\u00FCcher.example", "b\u00FCcher[.]example"},
        Case{"evil\u3002com", "evil[.]com"}, Case{"evil\uFF0Ecom", "evil[.]com"},
        Case{"http://1.2.3.4/", "http[:]//1[.]2[.]3[.]4/"}, Case{"1.5 m at 12:30. Fine.", "1.5 m at 12:30. Fine."},
        Case{"a: b", "a: b"}, Case{"report.pdf, src.tar.gz", "report.pdf, src.tar.gz"},
        Case{"evil.pdf/x", "evil[.]pdf/x"}, Case{"notes.zip", "notes[.]zip"}, Case{"x@evil.pdf", "x@evil[.]pdf"},
        Case{"Hello, Zo\u00EB \u5F20\u4F1F!", "Hello, Zo\u00EB \u5F20\u4F1F!"}})
    CHECK(plain_words(c.words, 500) == c.plain);
}

TEST_CASE("control, bidi and invisible characters go, and lines are one where they have to be") {
  CHECK(plain_words("a\r\nBcc: x\x01\x1b[31m\u202Eb\u200Bc\u00ADd\xff\xfe", 500) == "a Bcc: x[31mbcd");
  CHECK(plain_words("  a \t\n  b  ", 500) == "a b");
  CHECK(plain_lines("one\r\ntwo\u2028three\n\n\n", 500) == "one\ntwo\nthree");
  CHECK(plain_lines("\n\n x", 500) == "x");
  std::string many;
  for (int i = 0; i < 30; ++i) many += "x\n";
  const std::string lines = plain_lines(many, 500);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 9);
}

TEST_CASE("words are cut at a character") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\u5F20";
  const std::string cut = plain_words(text, 80);
  CHECK(cut.size() <= 80);
  CHECK(is_valid_utf8(cut));
  CHECK(cut.ends_with("..."));
  CHECK(plain_words("abc", 3) == "abc");
}

TEST_CASE("an SMS has 160 characters of GSM, or 70 others; the link is whole and what else does not fit is dropped") {
  Notice notice = sample();
  CHECK(sms_text(notice) == "Alice sent you 3 files, 12 MB: " + notice.link + " until 2026-11-24 23:00 UTC");
  notice.message = std::string(200, 'x');
  CHECK_FALSE(holds(sms_text(notice), "xxx"));
  notice.message = "hello";
  CHECK(sms_text(notice).ends_with(" hello"));
  notice.message.clear();

  notice.from = "\u5F20\u4F1F";  // 70 UTF-16 units are enough for the name and the link
  CHECK(sms_text(notice) == "\u5F20\u4F1F: " + notice.link);
  notice.from =
      "\u5F20\u4F1F\u5F20\u4F1F\u5F20\u4F1F\u5F20\u4F1F\u5F20\u4F1F\u5F20\u4F1F";  // for no more: without it, in GSM
  CHECK(sms_text(notice) == "For you: 3 files, 12 MB: " + notice.link + " until 2026-11-24 23:00 UTC");

  notice.from = "Alice";
  notice.link += "#AGE-SECRET-KEY-1" + std::string(58, 'Q');
  CHECK(holds(sms_text(notice), notice.link));
  CHECK(gsm_septets(sms_text(notice)) <= 160);
  notice.link = "https://" + std::string(160 - 8, 'h');
  CHECK(sms_text(notice) == notice.link);
  notice.link += "h";
  CHECK(sms_text(notice).empty());
}

TEST_CASE("GSM 03.38 counts its extension twice") {
  CHECK(gsm_septets("abc") == 3);
  CHECK(gsm_septets("@\u00A3$\u00A5\u00E8_") == 6);
  CHECK(gsm_septets("a[b]\u20AC~") == 2 + 8);
  CHECK(gsm_septets("a`b") == 0);
  CHECK(gsm_septets("\u5F20") == 0);
  CHECK(to_utf16("\U0001F600").size() == 2);
  CHECK(to_utf16("\U0001F600")[0] == 0xD83D);
}

TEST_CASE("messengers get what fits, nobody is mentioned, and markup stays text") {
  Notice notice = sample();
  notice.from = "A <!channel> @all & *b*";
  notice.message = "line [x](y)\nnext";
  const std::string plain = chat_text(notice, 4096);
  CHECK(holds(plain, "\n" + notice.link + "\n"));
  CHECK(holds(plain, "\n> line [x](y)\n> next"));
  CHECK_FALSE(holds(plain, "@"));
  CHECK_FALSE(holds(plain, "<"));
  CHECK(holds(chat_text(notice, 4096, Markup::slack), "&amp; *b*"));
  CHECK(holds(chat_text(notice, 4096, Markup::markdown), "\\*b\\*"));
  CHECK(holds(chat_text(notice, 4096, Markup::markdown), "\\[x\\]\\(y\\)"));
  CHECK(holds(chat_text(notice, 4096, Markup::markdown), notice.link));
  CHECK(chat_text(notice, notice.link.size()) == notice.link);
  CHECK(chat_text(notice, notice.link.size() - 1).empty());
}

TEST_CASE("the page of a mail has no tags but ours") {
  Notice notice = sample();
  notice.from = "<script>alert(1)</script>";
  notice.message = "\"><img src=x onerror=y>\n&lt;";
  const std::string html = mail_html(notice);
  CHECK_FALSE(holds(html, "<script"));
  CHECK_FALSE(holds(html, "<img"));
  CHECK(holds(html, "&lt;script&gt;"));
  CHECK(holds(html, "&amp;lt;"));
  CHECK(holds(html, "<a href=\"" + notice.link + "\">"));
  CHECK(holds(mail_text(notice), "\n" + notice.link + "\n"));
}
