#include "front/operator_port.h"

#include <future>
#include <stdexcept>

#include "running_front.h"

using namespace front_test;

namespace {

// A port that is free now.
std::uint16_t free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

}  // namespace

TEST_CASE("the operator's port serves its pages; what one of them throws is told, and the others go on") {
  std::promise<std::string> told;
  std::vector<OperatorPage> pages;
  pages.push_back({"/well", [] { return OperatorPage::Text{200, "text/plain", "well\n"}; }});
  pages.push_back({"/ill", []() -> OperatorPage::Text { throw std::runtime_error("no memory"); }});
  const auto port = free_port();
  const auto opened = OperatorPort::open("127.0.0.1:" + std::to_string(port), std::move(pages),
                                         [&told](const std::string& what) { told.set_value(what); });
  REQUIRE(opened.has_value());
  CHECK(status_of([&] {
          Raw raw(port);
          raw.send(get("/ill"));
          return raw.response();
        }()) == 500);
  CHECK(told.get_future().get() == "no memory");
  Raw raw(port);
  raw.send(get("/well"));
  const auto answer = raw.response();
  CHECK(status_of(answer) == 200);
  CHECK(body_of(answer) == "well\n");
}
