#include "unit/catch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "notify/protocol.h"
#include "notify/settings.h"
#include "notify/transport_table.h"

using namespace qrx;
using namespace qrx::notify;

namespace {

std::string wrong(const Settings& settings) {
  const auto checked = check_settings(settings);
  if (checked) return "fine";
  CHECK(checked.error().kind == Kind::usage);
  return checked.error().what;
}

std::string wrong(const std::string& table, const std::map<std::string, std::string>& values) {
  Settings settings;
  settings.transports[table] = values;
  return wrong(settings);
}

}  // namespace

TEST_CASE("tables are checked by name, key and value") {
  CHECK(wrong("mail", {{"url", "smtp://mail.example.org:587"},
                       {"from", "File drop <qrx@example.org>"},
                       {"per_day", "7"},
                       {"enabled", "false"}}) == "fine");
  CHECK(wrong("mail", {{"sendmail", "/usr/sbin/sendmail"}, {"from", "qrx@example.org"}}) == "fine");
  CHECK(wrong("pigeon", {}) == "notify.pigeon: unknown transport");
  CHECK(wrong("mail", {{"url", "smtp://h"}, {"frm", "x"}}) == "notify.mail: unknown key frm");
  CHECK(wrong("mail", {{"url", "smtp://h"}}) == "notify.mail: the key from is missing");
  CHECK(wrong("mail", {{"from", "qrx@example.org"}}) == "notify.mail: one of the keys url and sendmail is needed");
  CHECK(wrong("mail", {{"url", "smtp://h"}, {"from", "qrx@example.org"}, {"user", "x"}}) ==
        "notify.mail: the key password_file is missing");
  for (const char* url : {"http://h", "smtp://", "smtp://h/path", "smtp://u:p@h", "smtp://h\nx", "smtp"})
    CHECK(wrong("mail", {{"url", url}, {"from", "qrx@example.org"}}).find("smtp://host:port") != std::string::npos);
  for (const char* from : {"x", "a@b.org, c@d.org", "Name <a@b.org>\r\nBcc: x@y.org", "Name <a@b.org", "<x>", ""})
    CHECK(wrong("mail", {{"url", "smtp://h"}, {"from", from}}).find("from must be") != std::string::npos);
  CHECK(wrong("mail", {{"url", "smtp://h"}, {"from", "qrx@example.org"}, {"password_file", "relative"}})
            .find("absolute path") != std::string::npos);
  CHECK(wrong("sms", {{"spool", "gammu"}}) == "notify.sms: the key directory is missing");
  CHECK(wrong("sms", {{"spool", "other"}, {"directory", "/x"}}).find("must be") != std::string::npos);
  CHECK(wrong("slack", {}) == "fine");
  CHECK(wrong("exec.x", {}) == "notify.exec.x: the key command is missing");
  Settings settings;
  settings.commands["x"] = {"sh", "-c", "y"};
  CHECK(wrong(settings) == "notify.exec.x: command must be a list that begins with an absolute path");
  settings.commands["x"] = {"/bin/sh"};
  settings.transports["exec.x"]["timeout"] = "2h";
  CHECK(wrong(settings).find("at most 100s") != std::string::npos);
  settings.transports.clear();
  settings.allowed_networks = {"10.0.0.0/8", "localhost"};
  CHECK(wrong(settings).find("localhost") != std::string::npos);
}

TEST_CASE("transports are off until their table is there, and when it says so") {
  Settings settings;
  CHECK_FALSE(is_on(settings, wire::Channel::mail));
  settings.transports["mail"];
  CHECK(is_on(settings, wire::Channel::mail));
  settings.transports["mail"]["enabled"] = "false";
  CHECK_FALSE(is_on(settings, wire::Channel::mail));
  CHECK_FALSE(is_on(settings, wire::Channel::exec));
  settings.commands["a"] = {"/bin/true"};
  CHECK(is_on(settings, wire::Channel::exec));
  settings.transports["exec.a"]["enabled"] = "false";
  CHECK_FALSE(is_on(settings, wire::Channel::exec));
  CHECK_FALSE(is_on(settings, wire::Channel::link));
}

TEST_CASE("a secret is the first line of a file that is its owner's alone") {
  std::string path = "/tmp/qrx-secret-XXXXXX";
  ::close(::mkstemp(path.data()));
  std::ofstream(path) << " s3cret words \nsecond line\n";
  Settings settings;
  settings.transports["mail"]["password_file"] = path;
  const Table table(settings, "mail");
  CHECK(table.secret("password_file").value() == "s3cret words");
  CHECK(table.secret("token_file").value().empty());
  ::chmod(path.c_str(), 0640);
  REQUIRE_FALSE(table.secret("password_file"));
  CHECK(table.secret("password_file").error().kind == Kind::denied);
  CHECK(table.secret("password_file").error().what.find("s3cret") == std::string::npos);
  ::unlink(path.c_str());
  CHECK_FALSE(table.secret("password_file"));
}

TEST_CASE("what goes between a tool and its helper comes back as it was") {
  Settings settings;
  settings.transports["mail"]["from"] = "\"quoted\"\n\xff";
  settings.commands["x"] = {"/bin/a", "b c"};
  settings.allowed_networks = {"10.0.0.0/8"};
  settings.private_addresses = true;
  const std::string line = to_line(settings);
  CHECK(line.find('\n') == line.size() - 1);
  const auto back = read_settings(line);
  REQUIRE(back);
  CHECK(back->commands == settings.commands);
  CHECK(back->allowed_networks == settings.allowed_networks);
  CHECK(back->private_addresses);

  Notice notice;
  notice.id = Id::random();
  notice.to = *wire::parse_recipient("xmpp:a@example.org");
  notice.from = "x\ny";
  notice.link = "https://h/d/a";
  const auto again = read_notice(to_line(notice));
  REQUIRE(again);
  CHECK(again->id == notice.id);
  CHECK(again->to == notice.to);
  CHECK(again->from == notice.from);
  CHECK_FALSE(again->expires);

  const auto outcome =
      read_outcome(to_line(Outcome{Outcome::State::later, "a\nb" + std::string(500, 'x'), Seconds(17)}));
  REQUIRE(outcome);
  CHECK(outcome->state == Outcome::State::later);
  CHECK(outcome->reason.starts_with("a b"));
  CHECK(outcome->reason.size() <= 200);
  CHECK(outcome->retry_after == Seconds(17));
  for (const char* text :
       {"", "{}", "[]", "{\"state\":\"maybe\",\"reason\":\"\"}", "{\"state\":\"sent\"}",
        "{\"state\":\"sent\",\"reason\":1}", "{\"state\":\"sent\",\"reason\":\"\",\"retry_after\":-1}",
        "{\"state\":\"sent\",\"reason\":\"\",\"retry_after\":1e99}"}) {
    INFO(text);
    CHECK_FALSE(read_outcome(text));
  }
  CHECK_FALSE(read_notice("{\"id\":\"x\"}"));
  CHECK_FALSE(read_settings("{}"));
}
