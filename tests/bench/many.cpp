// Many small requests with bodies over some kept connections: the load of `make bench`, the same for every server.
//   qrx-bench-many HOST PORT CONNECTIONS COUNT SIZE METHOD PATH [HEADER]...
// "{}" in PATH is replaced by the number of the request. Prints the seconds it took and how many answers were not 2xx.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Load {
  std::string host;
  std::uint16_t port = 0;
  unsigned connections = 1, count = 1;
  std::string body, method, path, headers;
};

int connect_to(const Load& load) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(load.port);
  ::inet_pton(AF_INET, load.host.c_str(), &address.sin_addr);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  return fd;
}

// Reads one answer with a Content-Length (or none) and tells its status; 0 when the connection broke.
int read_answer(int fd, std::string& buffer) {
  std::size_t head = std::string::npos, need = 0;
  int status = 0;
  char piece[16384];
  for (;;) {
    if (head == std::string::npos && (head = buffer.find("\r\n\r\n")) != std::string::npos) {
      status = std::atoi(buffer.c_str() + 9);
      std::string lower = buffer.substr(0, head);
      for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c += 32;
      const std::size_t at = lower.find("\ncontent-length:");
      need = head + 4 + (at == std::string::npos ? 0 : std::strtoul(lower.c_str() + at + 16, nullptr, 10));
    }
    if (head != std::string::npos && buffer.size() >= need) {
      buffer.erase(0, need);
      return status;
    }
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return 0;
    buffer.append(piece, static_cast<std::size_t>(got));
  }
}

void run(const Load& load, std::atomic<unsigned>& next, std::atomic<unsigned>& bad) {
  int fd = connect_to(load);
  std::string buffer, request;
  for (unsigned number; (number = next++) < load.count;) {
    std::string path = load.path;
    if (const std::size_t at = path.find("{}"); at != std::string::npos) path.replace(at, 2, std::to_string(number));
    request = load.method + " " + path + " HTTP/1.1\r\nHost: " + load.host + ":" + std::to_string(load.port) + "\r\n" +
              load.headers + "Content-Length: " + std::to_string(load.body.size()) + "\r\n\r\n" + load.body;
    std::string_view left = request;
    while (!left.empty()) {
      const ssize_t sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    const int status = read_answer(fd, buffer);
    if (status < 200 || status > 299) ++bad;
    if (status == 0) {
      ::close(fd);
      buffer.clear();
      fd = connect_to(load);
    }
  }
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) {
    std::fputs("usage: qrx-bench-many HOST PORT CONNECTIONS COUNT SIZE METHOD PATH [HEADER]...\n", stderr);
    return 2;
  }
  Load load;
  load.host = argv[1];
  load.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  load.connections = static_cast<unsigned>(std::atoi(argv[3]));
  load.count = static_cast<unsigned>(std::atoi(argv[4]));
  load.body.assign(static_cast<std::size_t>(std::atoll(argv[5])), 'q');
  load.method = argv[6];
  load.path = argv[7];
  for (int i = 8; i < argc; ++i) load.headers += std::string(argv[i]) + "\r\n";

  std::atomic<unsigned> next{0}, bad{0};
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < load.connections; ++i) threads.emplace_back([&] { run(load, next, bad); });
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.6f %u\n", took.count(), bad.load());
  return bad.load() == 0 ? 0 : 1;
}
