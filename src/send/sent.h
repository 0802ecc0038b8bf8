// What a sender tells while it runs and when it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "wire/id.h"

namespace qrx::send {

// A file that the server has; the message itself, under the name "-", when that is all that was sent. The sums are of
// the plain file; of a sealed one, both sides compared those of its item.
struct SentFile {
  std::string name;
  std::uint64_t size = 0;
  Xxh128Sum xxh128{};
  std::optional<Sha256Sum> sha256;
  bool sealed = false;
  std::string item = {};  // what the server knows it as; empty for a text
};

// Called one at a time, from any thread, while Sender::send() runs. Each may be empty.
struct SenderEvents {
  // What the other side took so far of all files together, what a first run sent included; total is absent while a
  // stream runs. The last call, with bytes == total, comes after the server's answer, never before.
  std::function<void(std::uint64_t bytes, std::optional<std::uint64_t> total)> progress;
  std::function<void(const SentFile&)> sent;  // complete on the server, sums equal; not yet committed
  std::function<void(const std::string&)> notice;
  // "lost the connection to host; retrying in 2 s"; `counting`: the same again, with a second less
  std::function<void(const std::string& text, bool counting)> retry;
};

struct SentDelivery {
  Id delivery;
  std::vector<SentFile> files;  // in the order of the sources; committed and durable
  bool resumed = false;         // a first run had begun it
};

}  // namespace qrx::send
