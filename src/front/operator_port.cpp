#include "front/operator_port.h"

#include <httplib.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>

#include "base/thrown.h"
#include "http/host_port.h"

namespace qrx::front {
namespace {

constexpr std::size_t threads = 2;  // somebody who holds one does not keep the other from monitoring
constexpr int patience_seconds = 5;
constexpr std::size_t most_body_bytes = 1024;  // nobody has anything to send here

std::string what_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (...) {
    return thrown_error().what;
  }
}

void set_up(httplib::Server& server, std::vector<OperatorPage> pages,
            std::function<void(const std::string& what)> failed) {
  server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  server.set_read_timeout(patience_seconds, 0);
  server.set_write_timeout(patience_seconds, 0);
  server.set_payload_max_length(most_body_bytes);
  // Without it the library shares the port with whoever else asks for it, and each gets some of the requests.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_exception_handler([failed = std::move(failed)](const httplib::Request&, httplib::Response& response,
                                                            const std::exception_ptr& thrown) {
    failed(what_of(thrown));
    response.status = 500;
    response.set_content("this page is not available right now\n", "text/plain");
  });
  for (OperatorPage& page : pages)
    server.Get(page.path, [make = std::move(page.make)](const httplib::Request&, httplib::Response& response) {
      OperatorPage::Text text = make();
      response.status = text.status;
      response.set_content(text.body, text.type.c_str());
    });
}

// `address`: "host:port" as it was given, for what is said.
Result<void> bind_to(httplib::Server& server, const std::string& address) {
  const auto where = http::parse_host_port(address);
  if (!where) return tl::unexpected(where.error());
  const auto bind = [&](const std::string& host) {
    errno = 0;
    return where->port == 0 ? server.bind_to_any_port(host) > 0 : server.bind_to_port(host, where->port);
  };
  const bool everywhere = where->host.empty() || where->host == "*";
  // "::" takes IPv4 as well; a machine without IPv6 has only the other.
  if (everywhere ? bind("::") || bind("0.0.0.0") : bind(where->host)) return {};
  const std::string what = "cannot listen on " + address;
  return errno != 0 ? fail_errno(what) : fail(Kind::unavailable, what);
}

}  // namespace

struct OperatorPort::Library {
  httplib::Server server;
  std::thread thread;
};

OperatorPort::OperatorPort(std::unique_ptr<Library> library) : library_(std::move(library)) {}

OperatorPort::~OperatorPort() {
  library_->server.stop();
  library_->thread.join();
}

Result<std::unique_ptr<OperatorPort>> OperatorPort::open(const std::string& address, std::vector<OperatorPage> pages,
                                                         std::function<void(const std::string& what)> failed) {
  auto library = std::make_unique<Library>();
  httplib::Server& server = library->server;
  set_up(server, std::move(pages), std::move(failed));
  if (auto bound = bind_to(server, address); !bound) return tl::unexpected(bound.error());
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  try {
    library->thread = std::thread([&server, ended] {
      server.listen_after_bind();
      *ended = true;
    });
  } catch (const std::system_error& error) {
    return fail(Kind::unavailable, std::string("cannot start a thread: ") + error.what());
  }
  std::unique_ptr<OperatorPort> port(new OperatorPort(std::move(library)));
  // The library forgets a stop() that comes before its loop runs.
  while (!server.is_running() && !*ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (*ended) return fail(Kind::unavailable, "cannot listen on " + address);
  return port;
}

}  // namespace qrx::front
