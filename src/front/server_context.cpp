#include "front/server_context.h"

#include <utility>

#include "base/thrown.h"

namespace qrx::front {

ServerContext::ServerContext(const ServerOptions& server_options, Handler request_handler, ErrorAnswer error_function,
                             std::function<void()> wake_loop)
    : options(server_options),
      handler(std::move(request_handler)),
      error_answer(std::move(error_function)),
      wake(std::move(wake_loop)),
      pool(server_options.least_threads, server_options.most_threads, wake),
      work_queue(
          server_options.work_queue,
          [this](const std::function<Reply()>& work) -> Reply {
            try {
              return work();
            } catch (...) {
              tell_exception();
              return answer_of(threw, 500);
            }
          },
          [this](const Id& topic) { waiters.wake(topic); }) {}

void ServerContext::tell_exception() const noexcept {
  if (!options.failed) return;
  try {
    options.failed(thrown_error().what);
  } catch (...) {
    // Memory is so short that it cannot even be said.
  }
}

http::Answer ServerContext::answer_of(const Error& error, int status) const {
  http::Answer plain;
  plain.status = status == 0 ? 500 : status;
  return guarded(
      *this, [&] { return error_answer(error, status); }, plain);
}

// Not deleted here: the event loop may have an event of it in hand, and this runs inside the connection itself.
void ServerContext::retire(Connection& connection) {
  connections.fetch_sub(1);
  {
    const std::lock_guard lock(ended_mutex_);
    ended_.push_back(&connection);
  }
  if (stopping) wake();  // the loop waits for the last one
}

std::vector<Connection*> ServerContext::take_ended() {
  const std::lock_guard lock(ended_mutex_);
  return std::exchange(ended_, {});
}

}  // namespace qrx::front
