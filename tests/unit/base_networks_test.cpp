#include "base/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "unit/catch.h"

using namespace qrx;

namespace {

Address16 address(const char* text) {
  return Network::parse(text)->address;
}

}  // namespace

TEST_CASE("addresses that are not public are known, whatever they are wrapped in") {
  for (const char* text : {"127.0.0.1",
                           "127.255.255.254",
                           "0.0.0.0",
                           "10.0.0.1",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.0.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "100.127.255.255",
                           "192.0.0.1",
                           "192.0.2.1",
                           "198.18.0.1",
                           "198.51.100.1",
                           "203.0.113.1",
                           "224.0.0.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "fc00::1",
                           "fdff::1",
                           "ff02::1",
                           "fec0::1",
                           "2001:db8::1",
                           "2001::1",
                           "64:ff9b::7f00:1",
                           "64:ff9b::a00:1",
                           "64:ff9b:1::1",
                           "2002:7f00:1::",
                           "2002:a9fe:a9fe::1",
                           "100::1",
                           "::7f00:1",
                           "::ffff:127.0.0.1",
                           "3fff::1"}) {
    INFO(text);
    CHECK_FALSE(is_public(address(text)));
  }
  for (const char* text : {"1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "192.167.0.1",
                           "2606:4700::1111", "2a00::1", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"}) {
    INFO(text);
    CHECK(is_public(address(text)));
  }
}

TEST_CASE("networks hold their addresses and no others") {
  const auto ten = Network::parse("10.1.0.0/16");
  REQUIRE(ten);
  CHECK(ten->holds(address("10.1.255.255")));
  CHECK_FALSE(ten->holds(address("10.2.0.0")));
  CHECK(Network::parse("10.1.2.3/15")->holds(address("10.0.0.1")));
  CHECK(Network::parse("0.0.0.0/0")->holds(address("8.8.8.8")));
  CHECK_FALSE(Network::parse("0.0.0.0/0")->holds(address("::1")));
  CHECK(Network::parse("fd00::/8")->holds(address("fdab::1")));
  for (const char* text :
       {"", "10.1", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "fd00::/129", "host", "10.0.0.0/8x", "1.2.3.4.5"}) {
    INFO(text);
    CHECK_FALSE(Network::parse(text));
  }
}

TEST_CASE("a socket's address is read, and one of another family is none") {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(0x7F000001);
  CHECK(address_of(reinterpret_cast<sockaddr*>(&four), sizeof four) == address("127.0.0.1"));
  sockaddr other{};
  other.sa_family = AF_UNIX;
  CHECK_FALSE(address_of(&other, sizeof other));
}

TEST_CASE("a server leads to public addresses, and no nearer to its client than it is itself") {
  const auto leads = [](const char* from, const char* to) { return may_lead(address(from), address(to)); };
  struct {
    const char* from;
    std::vector<const char*> to, not_to;
  } const cases[] = {
      {"8.8.8.8",
       {"1.1.1.1", "2606:4700::1111", "8.8.8.8"},
       {"10.0.0.1", "192.168.0.1", "172.16.0.1", "100.64.0.1", "fd00::1", "169.254.169.254", "fe80::1", "127.0.0.1",
        "::1", "0.0.0.0", "::", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "224.0.0.1", "198.18.0.1",
        "203.0.113.1"}},
      {"192.168.0.1",
       {"8.8.8.8", "192.168.0.1", "10.0.0.1", "100.64.0.1", "fd00::1"},
       {"169.254.169.254", "fe80::1", "127.0.0.1", "::1", "0.0.0.0", "224.0.0.1", "198.18.0.1"}},
      {"fd00::1", {"192.168.0.1", "fd00::2"}, {"fe80::1", "::1"}},
      {"fe80::1", {"fe80::2", "169.254.0.1", "10.0.0.1", "8.8.8.8"}, {"127.0.0.1", "::1"}},
      {"127.0.0.1", {"127.0.0.2", "::1", "169.254.0.1", "10.0.0.1", "8.8.8.8"}, {"224.0.0.1", "198.18.0.1"}},
      // Some resolvers of virtual networks answer with these for every name.
      {"198.18.0.1", {"198.18.0.1", "8.8.8.8"}, {"198.18.0.2", "10.0.0.1", "127.0.0.1", "169.254.169.254"}},
      {"64:ff9b::a00:1", {"8.8.8.8"}, {"10.0.0.1", "127.0.0.1"}}};
  for (const auto& one : cases) {
    INFO(one.from);
    for (const char* to : one.to) {
      INFO(to);
      CHECK(leads(one.from, to));
    }
    for (const char* to : one.not_to) {
      INFO(to);
      CHECK_FALSE(leads(one.from, to));
    }
  }
}
