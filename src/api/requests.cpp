#include "api/requests.h"

#include "api/refusals.h"

namespace qrx::api {
namespace {

http::ClientOptions with_interrupt(http::ClientOptions options, std::shared_ptr<http::Interrupt> interrupt) {
  options.interrupt = std::move(interrupt);
  return options;
}

}  // namespace

Requests::Requests(const wire::Origin& origin, http::ClientOptions options)
    : interrupt_(options.interrupt ? options.interrupt : std::make_shared<http::Interrupt>()),
      http_(origin, with_interrupt(std::move(options), interrupt_)) {}

Result<http::ClientAnswer> Requests::granted(Result<http::ClientAnswer> answer, const std::string& doing) {
  asked_pause_.reset();
  if (!answer || answer->status < 300) return answer;
  // Retry-After of a redirect is about the other address.
  if (answer->status >= 400) asked_pause_ = retry_after(*answer);
  return tl::unexpected(refusal(*answer, doing));
}

}  // namespace qrx::api
