#include "serve/operations/control.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/bytes.h"

namespace qrx::serve {
namespace {

constexpr std::size_t most_address_bytes = 100;  // sun_path has 108, its end included (unix(7))
constexpr Millis answer_time{600'000};           // a sweep of very many spaces

http::ClientRequest request_of(const std::string& method, const std::string& target, bool has_body) {
  http::ClientRequest request;
  request.method = method;
  request.target = target;
  request.has_body = has_body;
  return request;
}

}  // namespace

Result<ControlPath> ControlPath::in(const std::string& data_directory) {
  ControlPath out;
  out.path = data_directory + "/control.sock";
  if (out.path.size() <= most_address_bytes) return out;
  out.directory.reset(::open(data_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out.directory) return fail_errno("cannot open " + data_directory);
  // A short name for the same place, good within this process.
  out.path = "/proc/self/fd/" + std::to_string(out.directory.get()) + "/control.sock";
  return out;
}

Result<ControlClient> ControlClient::of(const std::string& data_directory) {
  auto path = ControlPath::in(data_directory);
  if (!path) return tl::unexpected(path.error());
  http::ClientOptions options;
  options.unix_path = path->path;
  options.answer_time = answer_time;
  http::Client client(wire::Origin{false, "localhost", 80, ""}, std::move(options));
  return ControlClient(std::move(*path), std::move(client));
}

std::optional<http::ClientAnswer> ControlClient::request(const std::string& method, const std::string& target,
                                                         bool has_body) {
  auto answered = client_.request(request_of(method, target, has_body));
  // Whatever the reason: the caller then tries to take the data, and the lock says whether a server has it.
  if (!answered) return std::nullopt;
  return std::move(*answered);
}

std::optional<ControlClient::Told> ControlClient::request_lines(
    const std::string& method, const std::string& target, const std::function<bool(std::string_view line)>& tell) {
  const auto opened = client_.open(request_of(method, target, true));
  if (!opened) return std::nullopt;
  Told told{opened->status, {}};
  if (told.status != 200) return told;
  std::string pending;
  std::byte buffer[4096];
  for (;;) {
    const auto got = client_.read(buffer);
    if (!got)
      told.done = tl::unexpected(got.error());
    else if (*got == 0)
      told.done = fail(Kind::unavailable, "the server ended before its check did");
    if (!told.done) return told;
    pending += as_text(ByteView(buffer, *got));
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      const std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      if (tell(line)) return told;
    }
  }
}

}  // namespace qrx::serve
