// The way of a request to its route, and of what fails on it to an answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "front/exchange.h"
#include "http/message.h"
#include "serve/call.h"

namespace qrx::serve {

// Thread-safe. Which route answers which method of which resource stands in one table, in the source.
class Router {
 public:
  explicit Router(Site& site);  // which outlives it

  front::Reply handle(std::shared_ptr<const http::Request> request);
  // Of an error that belongs to no request of ours. status 0: by the kind.
  http::Answer error_answer(const Error& error, int status) const;

 private:
  std::string next_request_id();
  front::Reply route(const std::shared_ptr<Call>& call);

  Site& site_;
  std::atomic<std::uint64_t> next_request_;
};

}  // namespace qrx::serve
