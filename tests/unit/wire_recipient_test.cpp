#include "unit/catch.h"

#include "base/text.h"
#include "wire/recipient.h"

using namespace qrx;
using namespace qrx::wire;

namespace {

// "channel address", or "no"
std::string read(std::string_view text) {
  const auto recipient = parse_recipient(text);
  if (!recipient) {
    CHECK(recipient.error().kind == Kind::usage);
    CHECK(recipient.error().what.size() < 300);
    return "no";
  }
  return std::string(to_text(recipient->channel)) + " " + recipient->address;
}

}  // namespace

TEST_CASE("each form of a recipient is read, and written again as people read it") {
  struct Case {
    std::string given, read_as, written;
  };
  const Case cases[] = {
      {"alice@example.org", "mail alice@example.org", "alice@example.org"},
      {"  Alice.B+qrx@EXAMPLE.org\t", "mail Alice.B+qrx@example.org", "Alice.B+qrx@example.org"},
      {"mailto:alice@example.org", "mail alice@example.org", "alice@example.org"},
      {"MAILTO:alice%2Bx@example.org", "mail alice+x@example.org", "alice+x@example.org"},
      {"root@localhost", "mail root@localhost", "root@localhost"},
      {"<alice@example.org>", "mail alice@example.org", "alice@example.org"},
      {"Anna Beispiel <anna@Example.org>,", "mail anna@example.org", "anna@example.org"},
      {"\"Beispiel, Anna\" <anna@example.org>", "mail anna@example.org", "anna@example.org"},
      {"mailto:alice@example.org?subject=Hi%20there", "mail alice@example.org", "alice@example.org"},
      {"anna@b\u00FCcher.example", "mail anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"},
      {"anna@B\u00DCCHER.example", "mail anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"},
      {"anna@\u4F8B\u5B50.example", "mail anna@xn--fsqu00a.example", "anna@xn--fsqu00a.example"},
      {"alice\uFF20example.org\u200B", "mail alice@example.org", "alice@example.org"},
      {"tel:+49-171-123\u20114567", "sms +491711234567", "+491711234567"},
      {"+49\u00A0(171) 123/4567", "sms +491711234567", "+491711234567"},
      {"0049 171 1234567", "sms +491711234567", "+491711234567"},
      {"(+49) 171/1234567", "sms +491711234567", "+491711234567"},
      {"\uFF0B\uFF18\uFF16 138 0013 8000", "sms +8613800138000", "+8613800138000"},
      {"o'brien@xn--bcher-kva.example", "mail o'brien@xn--bcher-kva.example", "o'brien@xn--bcher-kva.example"},
      {"+8613800138000", "sms +8613800138000", "+8613800138000"},
      {"+86 (138) 0013-8000", "sms +8613800138000", "+8613800138000"},
      {"sms:+1.555.123.4567", "sms +15551234567", "+15551234567"},
      {"xmpp:Alice@Example.org", "xmpp alice@example.org", "xmpp:alice@example.org"},
      {"matrix:!AbC:Example.org", "matrix !AbC:example.org", "matrix:!AbC:example.org"},
      {"matrix:@alice:example.org:8448", "matrix @alice:example.org:8448", "matrix:@alice:example.org:8448"},
      {"matrix:!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM", "matrix !31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM",
       "matrix:!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"},
      {"tg:123456", "telegram 123456", "tg:123456"},
      {"tg:-1001234567890", "telegram -1001234567890", "tg:-1001234567890"},
      {"TG:@team_channel", "telegram @team_channel", "tg:@team_channel"},
      {"ntfy:build-42_x", "ntfy build-42_x", "ntfy:build-42_x"},
      {"slack:https://hooks.slack.com/services/T0/B0/xyz", "slack https://hooks.slack.com/services/T0/B0/xyz",
       "slack:https://hooks.slack.com/services/T0/B0/xyz"},
      {"mattermost:https://chat.example.org/hooks/abc", "mattermost https://chat.example.org/hooks/abc",
       "mattermost:https://chat.example.org/hooks/abc"},
      {"discord:https://discord.com/api/webhooks/1/t?wait=true",
       "discord https://discord.com/api/webhooks/1/t?wait=true",
       "discord:https://discord.com/api/webhooks/1/t?wait=true"},
      {"wecom:693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa", "wecom 693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa",
       "wecom:693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa"},
      {"dingtalk:0123abcdef", "dingtalk 0123abcdef", "dingtalk:0123abcdef"},
      {"feishu:ca18-x", "feishu ca18-x", "feishu:ca18-x"},
      {"HTTPS://Hook.Example.org:443", "webhook https://hook.example.org/", "https://hook.example.org/"},
      {"http://hook.example.org:8080/A?b=C%20d", "webhook http://hook.example.org:8080/A?b=C%20d",
       "http://hook.example.org:8080/A?b=C%20d"},
      {"https://hook.example.org?x=1", "webhook https://hook.example.org/?x=1", "https://hook.example.org/?x=1"},
      {"link:Alice", "link Alice", "link:Alice"},
      {"link:\u5F20\u4F1F", "link \u5F20\u4F1F", "link:\u5F20\u4F1F"},
      {"exec:apprise:gotify://host/token", "exec apprise:gotify://host/token", "exec:apprise:gotify://host/token"},
  };
  for (const Case& c : cases) {
    INFO(c.given);
    CHECK(read(c.given) == c.read_as);
    const auto recipient = parse_recipient(c.given);
    REQUIRE(recipient);
    CHECK(to_text(*recipient) == c.written);
    const auto again = parse_recipient(to_text(*recipient));
    REQUIRE(again);
    CHECK(*again == *recipient);
  }
}

TEST_CASE("one recipient is one: whatever would make two, or a header, is refused") {
  for (const std::string& text : {std::string("alice@example.org,bob@example.org"),
                                  std::string("alice@example.org bob@example.org"),
                                  std::string("alice@example.org;bob@example.org"),
                                  std::string("alice@example.org\nBcc: bob@example.org"),
                                  std::string("alice@example.org\r\nRCPT TO:<bob@example.org>"),
                                  std::string("alice@example.org\0", 18),
                                  std::string("alice\0bob@example.org", 21),
                                  std::string("\"alice bob\"@example.org"),
                                  std::string("alice@bob@example.org"),
                                  std::string("alice(bob)@example.org"),
                                  std::string("alice@example.org>,<bob@example.org"),
                                  std::string("mailto:alice@example.org?bcc=bob@example.org"),
                                  std::string("mailto:alice@example.org%2Cbob@example.org"),
                                  std::string("mailto:alice%0d%0aBcc:bob@example.org"),
                                  std::string("mailto:alice@example.org%0aX: y"),
                                  std::string("mailto:alice%@example.org"),
                                  std::string("alice%bob.org@example.org"),
                                  std::string("bob.org!alice@example.org"),
                                  std::string("@relay:alice@example.org"),
                                  std::string("alice:bob@example.org"),
                                  std::string("+8613800138000,+8613800138001"),
                                  std::string("+86138001380001234567"),
                                  std::string("sms:+15551234567?body=hi"),
                                  std::string("sms:+15551234567\r\n"),
                                  std::string("+1555123\n4567"),
                                  std::string("https://a.example/,https://b.example/"),
                                  std::string("https://a.example/?to=https://b.example"),
                                  std::string("xmpp:a@example.org?message;body=x"),
                                  std::string("xmpp:a@b@example.org"),
                                  std::string("xmpp:a@example.org/phone"),
                                  std::string("tg:1,2"),
                                  std::string("tg:@abc/def"),
                                  std::string("ntfy:a/b"),
                                  std::string("ntfy:../x"),
                                  std::string("wecom:a&key=b"),
                                  std::string("dingtalk:a?x"),
                                  std::string("feishu:a/../b"),
                                  std::string("link:a,b"),
                                  std::string("link:a b"),
                                  std::string("link:"),
                                  std::string("exec:apprise:a,b"),
                                  std::string("exec:../x:y"),
                                  std::string("exec:x"),
                                  std::string("exec:x:")}) {
    INFO(escape_untrusted(text));
    CHECK(read(text) == "no");
  }
}

TEST_CASE("a mail address cannot be an option, a command or a host of digits") {
  for (const std::string& text :
       {std::string("-oQ/tmp@example.org"), std::string("|cmd@example.org"), std::string("/etc/passwd@example.org"),
        std::string("alice@"), std::string("@example.org"), std::string("alice@127.0.0.1"),
        std::string("alice@[127.0.0.1]"), std::string("alice@-x.org"), std::string("alice@x..org"),
        std::string("alice@example.org."), std::string(".alice@example.org"), std::string("alice.@example.org"),
        std::string("a..b@example.org"), std::string(65, 'a') + "@example.org", "a@" + std::string(64, 'b') + ".org",
        "a@" + std::string(250, 'b')}) {
    INFO(text);
    CHECK(read(text) == "no");
  }
}

TEST_CASE("a domain that only looks like another is shown as what it is") {
  CHECK(read("alice@ex\u0430mple.org") == "mail alice@xn--exmple-4nf.org");
}

TEST_CASE("characters that look like others, like blanks or like nothing are refused") {
  for (const std::string& text :
       {std::string("\u0430lice@example.org"), std::string("a\u202Elice@example.org"),
        std::string("+\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668"), std::string("xmpp:a\uFF20b@example.org"),
        std::string("https://ex\u0430mple.org/"), std::string("https://example\uFF0Forg/"),
        std::string("link:a\u00A0b"), std::string("link:a\u3000b"), std::string("link:a\u2003b"),
        std::string("link:a\uFF0Cb"), std::string("link:\u202Ea"), std::string("link:a\u200Db"),
        std::string("link:\xff"), std::string("link:a\x1b[31m"), std::string("alice@example.org\xc2\x85"),
        std::string("al\xe9@example.org")}) {
    INFO(escape_untrusted(text));
    CHECK(read(text) == "no");
  }
}

TEST_CASE("hooks are addresses of one host without user, fragment and tricks") {
  for (const std::string& text :
       {std::string("https://user@host.example/"), std::string("https://user:pw@host.example/"),
        std::string("https://host.example/#x"), std::string("https:///x"), std::string("https://host.example:0/"),
        std::string("https://host.example:99999/"), std::string("https://ho st/"),
        std::string("https://host.example/\r\nHost: x"), std::string("https://host.example/\"x"),
        std::string("https://host.example/<x>"), std::string("https://host.example\\@evil.example/"),
        std::string("ftp://host.example/"), std::string("file:///etc/passwd"), std::string("slack:file:///etc/passwd"),
        std::string("slack:gopher://h/"), std::string("slack:x"), std::string("javascript:alert(1)"),
        std::string("https:host.example"), "https://host.example/" + std::string(2048, 'a')}) {
    INFO(text.substr(0, 80));
    CHECK(read(text) == "no");
  }
  CHECK(read("https://[2001:DB8::1]:8443/x") == "webhook https://[2001:db8::1]:8443/x");
}

TEST_CASE("phone numbers are E.164") {
  for (const char* text : {"13800138000", "+", "+0123456789", "+123456", "+1234567890123456", "+44 (0)20 7946 0958",
                           "+1-800-FLOWERS", "sms:13800138000", "sms:", "++8613800138000", "+86+13800138000"}) {
    INFO(text);
    CHECK(read(text) == "no");
  }
  CHECK(read("+6834000") == "sms +6834000");
}

TEST_CASE("a mistake is said with the forms that there are, and never at length") {
  const auto unknown = parse_recipient("icq:12345");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().what == "'icq:12345' is not an address I understand");
  CHECK(unknown.error().hint.find("xmpp:") != std::string::npos);
  const auto longer = parse_recipient("mailto:" + std::string(5000, 'a'));
  REQUIRE_FALSE(longer);
  CHECK(longer.error().what.size() < 200);
  CHECK(is_valid_utf8(
      parse_recipient("x" + std::string(50, 'y') + std::string(40, 'z') + "\u5F20\u5F20\u5F20\u5F20\u5F20\u5F20")
          .error()
          .what));
  CHECK_FALSE(parse_recipient(""));
  CHECK_FALSE(parse_recipient(" \t"));
}
