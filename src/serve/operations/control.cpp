#include "serve/operations/control.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "http/client.h"
#include "serve/operations/check_run.h"
#include "serve/operations/daemon.h"
#include "serve/operations/data.h"

namespace qrx::serve {
namespace {

constexpr std::size_t most_address_bytes = 100;  // sun_path has 108, and the front adds a suffix for its own

class NoEvents : public space::Events {
  void space_changed(const Guid&) override {}
  void upload_grew(const Id&) override {}
};

// The server asked; nothing when none answers there.
struct Asked {
  ControlPath path;
  http::Client client;
};

Result<Asked> ask(const std::string& directory) {
  auto path = ControlPath::in(directory);
  if (!path) return tl::unexpected(path.error());
  http::ClientOptions options;
  options.unix_path = path->path;
  options.answer_time = Millis(600'000);  // a sweep of very many spaces
  http::Client client(Origin{false, "localhost", 80, ""}, std::move(options));
  return Asked{std::move(*path), std::move(client)};
}

http::ClientRequest post(const char* target) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = target;
  request.has_body = true;
  return request;
}

// What a running server answered instead: a line with the reason, and one with a hint.
Error refusal(int status, std::string_view text = {}) {
  if (status == 423) return {Kind::locked, "a check is running already", {}};
  const auto end = text.find('\n');
  const std::string_view reason = text.substr(0, end);
  std::string_view hint = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  hint = hint.substr(0, hint.find('\n'));
  const Kind kind = status == 503 ? Kind::unavailable : status == 507 ? Kind::no_room : Kind::other;
  if (reason.empty()) return {kind, "the running server answered " + std::to_string(status), {}};
  return {kind, std::string(reason), std::string(hint)};
}

// The data, unless a server has them; it is then asked by the caller. A mistyped directory is not made.
Result<std::unique_ptr<Data>> take(const DataOptions& options, space::Events& events) {
  const std::string lock = options.directory + "/lock";
  if (::access(lock.c_str(), F_OK) != 0)
    return fail(Kind::other, "there are no data of a server in " + options.directory, "name its directory with --data");
  auto data = Data::open(options, events);
  if (!data && data.error().kind == Kind::locked)
    return fail(Kind::unavailable, "the server of " + options.directory + " does not answer",
                "it may be starting or stopping; try again");
  return data;
}

}  // namespace

Result<ControlPath> ControlPath::in(const std::string& data_directory) {
  ControlPath out;
  out.path = data_directory + "/control.sock";
  if (out.path.size() <= most_address_bytes) return out;
  out.directory.reset(::open(data_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out.directory) return fail_errno("cannot open " + data_directory);
  out.path = "/proc/self/fd/" + std::to_string(out.directory.get()) + "/control.sock";
  return out;
}

Result<ControlClient> ControlClient::of(const std::string& data_directory) {
  auto asked = ask(data_directory);
  if (!asked) return tl::unexpected(asked.error());
  return ControlClient(std::move(asked->path), std::move(asked->client));
}

Result<http::ClientAnswer> ControlClient::request(const std::string& method, const std::string& target) {
  http::ClientRequest request;
  request.method = method;
  request.target = target;
  return client_.request(request);
}

Result<void> with_data(const DataOptions& options, const std::function<Result<void>(space::Spaces&)>& work) {
  NoEvents events;
  const auto data = take(options, events);
  if (!data) return tl::unexpected(data.error());
  if (const auto recovered = (*data)->spaces().recover(); !recovered) return tl::unexpected(recovered.error());
  return work((*data)->spaces());
}

Result<space::Spaces::Swept> sweep_data(const DataOptions& options) {
  if (auto asked = ask(options.directory)) {
    if (const auto answered = asked->client.request(post("/control/sweep"))) {
      if (answered->status != 200) return tl::unexpected(refusal(answered->status, answered->body));
      const auto swept = read_swept(answered->body);
      if (!swept) return fail(Kind::other, "the running server answered something else");
      return *swept;
    }
  }
  NoEvents events;
  const auto data = take(options, events);
  if (!data) return tl::unexpected(data.error());
  if (const auto recovered = (*data)->spaces().recover(); !recovered) return tl::unexpected(recovered.error());
  return (*data)->spaces().sweep();
}

Result<space::Spaces::Checked> check_data(const DataOptions& options,
                                          const std::function<void(const std::string&)>& tell) {
  if (auto asked = ask(options.directory)) {
    http::Client& client = asked->client;
    if (const auto opened = client.open(post("/control/check"))) {
      if (opened->status != 200) return tl::unexpected(refusal(opened->status));
      std::string pending;
      std::byte buffer[4096];
      for (;;) {
        const auto got = client.read(buffer);
        if (!got) return tl::unexpected(got.error());
        if (*got == 0) return fail(Kind::unavailable, "the server ended before its check did");
        pending += as_text(ByteView(buffer, *got));
        for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
          const std::string line = pending.substr(0, end);
          pending.erase(0, end + 1);
          if (const auto finding = read_finding(line)) tell(std::string(*finding));
          if (const auto result = read_result(line)) return *result;
        }
      }
    }
  }
  NoEvents events;
  const auto data = take(options, events);
  if (!data) return tl::unexpected(data.error());
  return (*data)->spaces().check(tell);
}

}  // namespace qrx::serve
