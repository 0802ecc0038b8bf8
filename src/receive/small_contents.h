// Brings the small files of a delivery: many by one request, where the server can do that, and else each by its own.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "api/owner_client.h"
#include "api/retry.h"
#include "base/result.h"
#include "receive/delivery_progress.h"
#include "wire/file_contents.h"

namespace qrx::receive {

// One task of one thread. What is wrong with one file is told to the delivery, and does not stop the others: a file
// that does not come right together with others is asked for alone, and what that brings is final.
class SmallContents {
 public:
  // Gets each file whole, and checks it. Its errors are those of saving.
  using Keep = std::function<Result<void>(std::size_t index, std::string_view bytes)>;
  SmallContents(DeliveryProgress& delivery, api::OwnerClient& client, Keep keep);

  Result<void> fetch(const std::vector<std::size_t>& task);  // retries trouble

 private:
  using Group = std::vector<wire::AskedFile>;

  Result<void> get_some();
  std::vector<Group> groups() const;
  Result<void> get_together();
  Result<void> keep_group(const Group& group, const api::OwnerClient::Contents& contents);
  Result<void> get_alone();
  Result<api::Next> after_trouble(const Error& raw, api::Asked asked);
  Result<api::Next> after_trouble_alone(const Error& raw, api::Asked asked);
  void ask_for_each();
  bool done() const { return together_.empty() && alone_.empty(); }
  std::size_t left() const { return 2 * together_.size() + alone_.size(); }

  DeliveryProgress& delivery_;
  const ReceiveJob& job_;
  api::OwnerClient& client_;
  const Keep keep_;
  api::Backoff backoff_;
  std::deque<std::size_t> together_, alone_;  // still to be had
  std::size_t left_before_ = 0;               // the attempt at hand
  bool asking_ = false;                       // for many: what fails is the request, and not the saving
  unsigned fruitless_ = 0;                    // requests for many, one after the other, that brought nothing
  bool refused_ = false;                      // such a request was
  std::optional<std::size_t> damaged_once_;
};

}  // namespace qrx::receive
