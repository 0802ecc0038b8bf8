// Taking the bodies of requests: small ones as a text, large ones into an upload.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "front/exchange.h"
#include "serve/call.h"
#include "wire/messages.h"

namespace qrx::serve {

// The body as one text of at most `most` bytes (413 beyond), then `go_on`. A request without body gives the empty text.
front::Reply collect(const SharedCall& call, std::size_t most, std::function<front::Reply(std::string)> go_on);

// What has become of an upload when a body is through.
struct Taken {
  std::uint64_t offset = 0;
  bool complete = false;
  std::optional<wire::ReceivedFile> file;  // complete, and not a part of something
};

struct IntoUpload {
  Id upload;
  Id delivery;
  bool length_unknown = false;  // the end of the body tells the length
  bool forget_if_cut = false;   // nobody could resume it: remove it when the body does not come to its end
  std::function<http::Answer(const Taken&)> done;
  std::function<http::Answer(const Error&)> failed;
};
// About an upload that the same request began, so that nobody else can be at it. A catalog that has crashed loses what
// was only begun: that it is gone is no answer to its client, who has to send it again.
Error of_begun(const Error& error);

front::Reply receive_into(const SharedCall& call, std::unique_ptr<space::UploadWriter> writer, IntoUpload into);

}  // namespace qrx::serve
