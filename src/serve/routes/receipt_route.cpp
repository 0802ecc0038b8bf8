#include "serve/routes/receipt_route.h"

#include <utility>

#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/long_work.h"
#include "wire/limits.h"

namespace qrx::serve {
namespace {

constexpr std::size_t many_receipts = 200;  // the rows of more take longer than others may wait

http::Answer record(const Call& call, const std::string& token, const wire::Receipt& receipt) {
  const auto done = call.site.spaces.record_receipt(call.target.guid, token, call.target.item, receipt);
  return done ? answer(204) : call.problem(done.error());
}

std::uint64_t files_to_read(const Call& call) {
  return call.site.spaces.files_to_read(call.target.guid, call.target.item);
}

front::Reply take_receipt(const SharedCall& call, const std::string& token) {
  // Before the body is read, which may be long.
  const auto delivery = call->site.spaces.status(call->target.guid, call->target.item, true);
  if (!delivery) return call->problem(delivery.error());
  if (!delivery->committed) return call->problem(Error{Kind::not_found, "no such delivery", {}});
  return collect(call, wire::most_receipt_request_bytes, [call, token](const std::string& text) -> front::Reply {
    auto receipt = wire::receipt_from_json(text);
    if (!receipt) return call->problem(receipt.error());
    const std::uint64_t files = receipt->files.size() > many_receipts ? many_files + 1 : files_to_read(*call);
    return aside_if_many(files, [call, token, receipt = std::move(*receipt)]() -> front::Reply {
      return record(*call, token, receipt);
    });
  });
}

}  // namespace

front::Reply record_receipt(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto state = call->site.spaces.owned(call->target.guid, *token); !state)
    return call->problem(state.error());
  return aside_if_many(files_to_read(*call), [call, token = *token] { return take_receipt(call, token); });
}

front::Reply clear_delivery(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto state = call->site.spaces.owned(call->target.guid, *token); !state)
    return call->problem(state.error());
  // Many files take longer than others may wait.
  return front::Work{[call, token = *token](const std::stop_token&) -> front::Reply {
    const auto done = call->site.spaces.clear_delivery(call->target.guid, token, call->target.item);
    return done ? answer(204) : call->problem(done.error());
  }};
}

}  // namespace qrx::serve
