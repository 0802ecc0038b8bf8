// One file of a space on its way here: fetched from wherever it stands, opened when it is sealed to us, summed. Its
// bytes go to a sink, each once and in order: a partial file, or a stream.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "api/owner_client.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/running_sums.h"
#include "http/interrupt.h"
#include "receive/age_decryptor.h"
#include "receive/arrived.h"
#include "receive/kept_bytes.h"
#include "receive/partial_file.h"
#include "seal/keys.h"
#include "seal/sealer.h"
#include "wire/id.h"
#include "wire/messages.h"

namespace qrx::receive {

inline constexpr std::size_t incoming_buffer_bytes = 256U << 10;

// What is known of a file before its bytes are here.
struct Expected {
  Id file;
  std::optional<Xxh128Sum> sum;       // of a committed one
  std::optional<std::uint64_t> size;  // on the server; absent: it is not known yet where an upload will end

  explicit Expected(const wire::FileInfo& info) : file(info.file), sum(info.xxh128), size(info.size) {}
  explicit Expected(const wire::UploadInfo& upload) : file(upload.upload), size(upload.length) {}
};

// One thread at a time; with a key the sink is called by another one, until finish() or an error was returned.
class Incoming {
 public:
  // `key` opens it; null: it is taken as it comes. `admit` as AgeDecryptor has it.
  Incoming(seal::PlainSink sink, bool sha256, const seal::Identity* key = nullptr,
           AgeDecryptor::AdmitTag admit = nullptr);

  bool opens() const { return decryptor_ != nullptr; }
  std::uint64_t taken() const;  // of the server's bytes; pull() goes on here
  std::uint64_t shown() const;  // in plain bytes, for progress displays
  // Why it cannot be opened, when that is the file's fault.
  std::optional<seal::Refusal> refusal() const;

  // Before the first pull(): takes up what an earlier run left in the sink's partial, which then holds what taken()
  // stands for. A partial that is of no use is emptied.
  // `kept`: of a sealed file, what an earlier run left of it as it came, and where this one keeps what comes.
  Result<void> take_up(api::OwnerClient& client, const Expected& expected, PartialFile& partial,
                       std::vector<std::byte>& buffer, const http::Interrupt& interrupt,
                       std::optional<KeptBytes> kept = {});

  // One connection's worth: to the end of the file (or to `until`), in order, or to trouble. `each` is called after
  // each piece; an error of it comes back. Kind::integrity when the file is now shorter than what was taken. The caller
  // compares taken() with the size that it knows: a server may say one and send another.
  Result<void> pull(api::OwnerClient& client, const Expected& expected, std::vector<std::byte>& buffer,
                    const std::function<Result<void>()>& each, std::optional<std::uint64_t> until = {});

  // REQUIRES: all but the last byte was taken. That one is taken as the sum of the whole has it, without the server.
  // False when no byte fits: something is damaged.
  Result<bool> end_by_sum(const Xxh128Sum& whole);

  Result<Arrived> finish();  // the file has ended

 private:
  Result<bool> take_up_kept(const Expected& expected, PartialFile& partial);
  Result<void> take_up_opened(api::OwnerClient& client, const Id& file, PartialFile& partial);
  Result<void> take(ByteView bytes);

  seal::PlainSink sink_;
  std::unique_ptr<AgeDecryptor> decryptor_;  // null: as it comes, with these two
  RunningSums sums_;
  std::uint64_t taken_ = 0;
  std::optional<KeptBytes> kept_;  // with a decryptor
};

}  // namespace qrx::receive
