#include "unit/catch.h"

#include <algorithm>
#include <cstdlib>

#include <string>
#include <vector>

#include "cli/addresses.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/invitation.h"
#include "cli/proxy.h"

using namespace qrx;
using namespace qrx::cli;

TEST_CASE("kinds of error end as the contract says") {
  const std::vector<std::pair<Kind, int>> table = {
      {Kind::other, 1},     {Kind::usage, 2},       {Kind::unauthorized, 4}, {Kind::denied, 4},
      {Kind::too_large, 4}, {Kind::no_room, 75},    {Kind::no_room_now, 75}, {Kind::too_many, 4},
      {Kind::not_found, 5}, {Kind::gone, 5},        {Kind::conflict, 1},     {Kind::locked, 75},
      {Kind::integrity, 6}, {Kind::unsupported, 1}, {Kind::no_code, 7},      {Kind::timed_out, 8},
      {Kind::exists, 9},    {Kind::unavailable, 75}};
  for (const auto& [kind, code] : table) CHECK(exit_code(kind) == code);
  CHECK(exit_code_of_signal(2) == 130);
}

TEST_CASE("an event is one line of JSON, whatever is in it") {
  const std::string line = Event("saved")
                               .text("path", "a\"b\\c\nd\x1b\xff\u00e9")
                               .number("size", 18446744073709551615ULL)
                               .boolean("ok", true)
                               .null("total")
                               .line();
  CHECK(line ==
        "{\"v\":1,\"event\":\"saved\",\"path\":\"a\\\"b\\\\c\\nd\\u001b\uFFFD\u00e9\",\"size\":18446744073709551615,"
        "\"ok\":true,\"total\":null}\n");
}

TEST_CASE("a path that is not UTF-8 is told a second time, without loss") {
  CHECK(Event("saved").path("path", "in/a\xff b%").line() ==
        "{\"v\":1,\"event\":\"saved\",\"path\":\"in/a\uFFFD b%\",\"path_bytes\":\"in/a%FF%20b%25\"}\n");
  CHECK(Event("saved").path("path", "in/\u00e9").line() == "{\"v\":1,\"event\":\"saved\",\"path\":\"in/\u00e9\"}\n");
}

TEST_CASE("the address that others can most likely reach comes first") {
  const auto sorted = best_first({{"127.0.0.1", "lo", false, false},
                                  {"172.17.0.1", "docker0", false, false},
                                  {"2001:db8::7", "eth0", true, true},
                                  {"10.8.0.2", "tun0", false, true},
                                  {"192.168.1.23", "wlan0", false, false},
                                  {"::1", "lo", true, false}});
  std::vector<std::string> texts;
  for (const auto& address : sorted) texts.push_back(address.text);
  CHECK(texts == std::vector<std::string>{"2001:db8::7", "192.168.1.23", "10.8.0.2", "172.17.0.1", "127.0.0.1", "::1"});
  CHECK(best_first({{"192.168.1.23", "wlan0", false, true}, {"2001:db8::7", "wlan0", true, true}}).front().text ==
        "192.168.1.23");
  CHECK_FALSE(machine_addresses().empty());
  CHECK(host_and_port("::1", 80) == "[::1]:80");
  CHECK(host_and_port("10.0.0.1", 0) == "10.0.0.1:0");
}

TEST_CASE("hosts of the local network are told apart") {
  for (const auto* host : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "127.0.0.1", "169.254.1.1",
                           "100.64.0.1", "fd00::1", "fe80::1", "::1", "localhost", "printer.local", "BOX.LAN"})
    CHECK(is_private_host(host));
  for (const auto* host :
       {"8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2001:db8::1", "example.org", "local", "xlocalhost"})
    CHECK_FALSE(is_private_host(host));
}

TEST_CASE("NO_PROXY names hosts, domains and networks") {
  CHECK(is_exempt("qrx.example.org", "a.b, example.org"));
  CHECK(is_exempt("qrx.example.org", ".example.org"));
  CHECK(is_exempt("EXAMPLE.org", "example.ORG"));
  CHECK(is_exempt("anything", "*"));
  CHECK(is_exempt("10.1.2.3", "10.0.0.0/8"));
  CHECK(is_exempt("10.1.2.3", "10.1.2.3"));
  CHECK(is_exempt("fd00::5", "fd00::/16"));
  CHECK_FALSE(is_exempt("badexample.org", "example.org"));
  CHECK_FALSE(is_exempt("11.1.2.3", "10.0.0.0/8"));
  CHECK_FALSE(is_exempt("10.1.2.3", "10.0.0.0/99"));
  CHECK_FALSE(is_exempt("example.org", ""));
  CHECK_FALSE(is_exempt("example.org", ", ,."));
}

TEST_CASE("the proxy is for TLS to other machines") {
  ::setenv("HTTPS_PROXY", "http://proxy:3128", 1);
  ::setenv("NO_PROXY", "inside.example", 1);
  CHECK(proxy_for(*wire::Origin::parse("https://outside.example")) == "http://proxy:3128");
  CHECK(proxy_for(*wire::Origin::parse("https://inside.example")).empty());
  CHECK(proxy_for(*wire::Origin::parse("http://outside.example")).empty());
  CHECK(proxy_for(*wire::Origin::parse("https://127.0.0.1:8460")).empty());
  ::unsetenv("HTTPS_PROXY");
  ::unsetenv("NO_PROXY");
  CHECK(proxy_for(*wire::Origin::parse("https://outside.example")).empty());
}

namespace {

Invitation some_invitation() {
  Invitation invitation;
  invitation.drop = "HTTP://192.168.1.23:41234/U/GQ2TIMJRGI4TKNBVGQ2TIMJRGI";
  invitation.before = {"above"};
  invitation.commands = {"curl -T FILE http://192.168.1.23:41234/u/gq2timjrgi4tknbvgq2timjrgi/"};
  invitation.after = {"below"};
  invitation.symbol = *qr::make_symbol(invitation.drop);
  return invitation;
}

int lines_in(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("the invitation fits into the window as a whole where it can") {
  for (const term::Size size : {term::Size{80, 24}, term::Size{80, 30}, term::Size{200, 60}, term::Size{70, 42}}) {
    const auto text = draw_invitation(some_invitation(), screen_for(size, term::Depth::palette, true, false), 1).text;
    CHECK(lines_in(text) + 1 <= size.rows);
    CHECK(text.find("above") != std::string::npos);
    CHECK(text.find("below") != std::string::npos);
    CHECK(text.find("\n  HTTP://192.168.1.23") > text.find("\x1b["));  // a line of its own below the code
    CHECK(text.find("\n  curl -T FILE") > text.find("\n  HTTP"));
  }
}

TEST_CASE("text beside the code is wrapped between words, and moves there as a whole in a low window") {
  auto invitation = some_invitation();
  invitation.after = {"Anyone with this link can send one delivery until tomorrow, but cannot read anything."};
  const auto text =
      draw_invitation(invitation, screen_for(term::Size{80, 24}, term::Depth::palette, true, false), 1).text;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const auto line = text.substr(at, text.find('\n', at) - at);
    const auto beside = line.rfind("\x1b[0m");
    if (beside != std::string::npos) CHECK(line.size() - beside - 4 <= 80 - 31);
  }
  CHECK(text.find("Anyone with this link can send") != std::string::npos);
  const auto low =
      draw_invitation(invitation, screen_for(term::Size{80, 19}, term::Depth::palette, true, false), 1).text;
  CHECK(lines_in(low) + 1 <= 19);
  CHECK(low.find("HTTP://192.168.1.23") != std::string::npos);
}

namespace {

// As `columns` and `rows` have it; what follows the first escape is what stays in sight with the code.
struct Small {
  DrawnInvitation drawn;
  std::string in_sight;
  std::string status;
};
Small in_small_window(int columns, int rows, const std::string& key) {
  auto invitation = some_invitation();
  invitation.drop += key;
  invitation.symbol = *qr::make_symbol(invitation.drop);
  invitation.before = {std::string(50, 'b'), std::string(50, 'b')};
  invitation.words = "coral-elm-vendor-shield";
  invitation.after = {"  words: " + invitation.words, std::string(400, 'x')};
  Small out{
      draw_invitation(invitation, screen_for(term::Size{columns, rows}, term::Depth::palette, true, false), 1), {}, {}};
  out.in_sight = out.drawn.text.substr(out.drawn.text.find("\x1b["));
  // The code, what stands with it, and the line below.
  CHECK(lines_in(out.in_sight) + 1 <= rows);
  CHECK(out.drawn.text.find("HTTP") < out.drawn.text.find("\x1b["));  // above, in full
  out.status = status_with_words(out.drawn, "Waiting…");
  return out;
}
const std::string key = "#AGE1L7QHQ9TNJ524XQUQ4DWN5G43EHNW86HGNF74RRCPC32EX0K77YVSW3CF8H";

}  // namespace

TEST_CASE("in a low and narrow window what fits of the text stays in sight with the code") {
  for (const auto& [columns, rows] : {std::pair{45, 20}, {45, 21}, {40, 20}, {39, 21}}) {
    // No room for anything: the line below the code has the words.
    const auto full = in_small_window(columns, rows, key);
    CHECK(full.in_sight.find("HTTP") == std::string::npos);
    CHECK(full.status == "words: coral-elm-vendor-shield  Waiting…");
  }
  const auto words = in_small_window(45, 22, key);
  CHECK(words.in_sight.find("  words: coral-elm-vendor-shield\n") != std::string::npos);
  CHECK(words.status == "Waiting…");
  const auto link = in_small_window(45, 24, key);
  CHECK(link.in_sight.find("HTTP://192.168.1.23:41234/U/GQ2TIMJRGI4TKNBVGQ2TIMJRGI" + key + "\n") != std::string::npos);
  CHECK(link.status == "words: coral-elm-vendor-shield  Waiting…");
  const auto both = in_small_window(45, 25, key);
  CHECK(both.in_sight.find(key) < both.in_sight.find("  words: coral-elm-vendor-shield\n"));
  CHECK(both.status == "Waiting…");
  const auto beside = in_small_window(51, 20, key);
  CHECK(beside.in_sight.find("HTTP://19") != std::string::npos);
  CHECK(beside.in_sight.find("vendor-\n") != std::string::npos);
  CHECK(beside.status == "Waiting…");
  const auto small = in_small_window(45, 19, "");
  CHECK(small.in_sight.find("HTTP://19") != std::string::npos);
}

TEST_CASE("where the text scrolls away the link and the words stand beside the code, and of the rest what fits") {
  auto invitation = some_invitation();
  invitation.drop += "#AGE1L7QHQ9TNJ524XQUQ4DWN5G43EHNW86HGNF74RRCPC32EX0K77YVSW3CF8H";
  invitation.symbol = *qr::make_symbol(invitation.drop);
  invitation.before = {std::string(50, 'b'), std::string(50, 'b')};
  invitation.after = {"  words: coral-elm-vendor-shield", std::string(400, 'x'), "short"};
  const auto text =
      draw_invitation(invitation, screen_for(term::Size{60, 20}, term::Depth::palette, true, false), 1).text;
  const auto code = text.find("\x1b[");
  CHECK(text.find("xxx") < code);  // above, in full
  CHECK(text.find("xxx", code) == std::string::npos);
  CHECK(text.find("HTTP://192.168.1", code) != std::string::npos);
  CHECK(text.find("coral-elm-vendor-\n", code) != std::string::npos);
  CHECK(text.find("short", code) != std::string::npos);
  CHECK(lines_in(text.substr(code)) + 1 == 20);  // the whole window, and no newline that scrolls
  // The last row is the waiting line's.
  CHECK(text.substr(text.size() - 4) == "\x1b[0m");
}

TEST_CASE("a window that is too small gets the link and says how large it must be") {
  const auto text =
      draw_invitation(some_invitation(), screen_for(term::Size{30, 10}, term::Depth::palette, true, false), 1).text;
  CHECK(text.find("\x1b[") == std::string::npos);
  CHECK(text.find("the terminal has 30x10") != std::string::npos);
  CHECK(text.find("  HTTP://192.168.1.23") != std::string::npos);
}
