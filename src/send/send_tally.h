// What the other side took of a delivery so far, for the progress display.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "send/sent.h"
#include "send/sources.h"

namespace qrx::send {

// Thread-safe; calls the events one at a time, with its mutex held: they may not call back.
class SendTally {
 public:
  SendTally(const SenderEvents& events, const SourceList& sources);

  void set(std::size_t index, std::uint64_t bytes);  // what the other side took of one source
  void length_known(std::uint64_t bytes);            // of a stream
  void sent(const SentFile& file);
  void notice(const std::string& text);
  void retry(const std::string& text, bool counting);
  void committed();

 private:
  void tell();  // with the mutex held

  const SenderEvents& events_;
  std::mutex mutex_;
  std::vector<std::uint64_t> bytes_;
  std::uint64_t sum_ = 0;
  std::optional<std::uint64_t> total_;
  std::uint64_t known_ = 0;
  std::size_t open_streams_ = 0;
};

}  // namespace qrx::send
