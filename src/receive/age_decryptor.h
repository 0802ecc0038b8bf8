// Opening what arrives: one file in the age format whose bytes come in order, by however many connections; verified
// plain bytes come out of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "receive/arrived.h"
#include "seal/opener.h"
#include "seal/sealer.h"

namespace qrx::receive {

// True when the file is simply not for us to open, and is saved as it is; false when something is wrong with it.
bool is_foreign(seal::Refusal refusal);

// One thread at a time. Memory: that of an OpenPipeline.
class AgeDecryptor {
 public:
  // Asked once, before the sink gets anything; an error of it is returned by push().
  using AdmitTag = std::function<Result<void>(const std::string& tag)>;

  // The sink takes verified plain bytes, in order, on another thread, until finish() or an error was returned.
  AgeDecryptor(const seal::Identity& identity, seal::PlainSink sink, bool sha256, AdmitTag admit = nullptr);
  ~AgeDecryptor();

  std::uint64_t taken() const;     // sealed bytes: push() goes on here
  const Xxh128& wire_sum() const;  // of them
  // An error is final. Kind::integrity and Kind::unsupported with a refusal(); others are the sink's.
  Result<void> push(ByteView sealed);
  Result<Arrived> finish();  // the file has ended
  std::optional<seal::Refusal> refusal() const;

  // Before the first push(), when an earlier run kept `chunks` whole chunks of verified plain bytes: `front` are the
  // first bytes of the sealed file, `plain` reads what was kept. The sealed bytes are made anew for their sum. Then
  // push() goes on at taken(). False when the front is not whole yet.
  Result<bool> resume(ByteView front, std::uint64_t chunks, const seal::PlainReader& plain);

 private:
  friend Result<Arrived> open_whole(const seal::Identity& identity, ByteView sealed, bool sha256, std::string& plain,
                                    std::optional<seal::Refusal>& refusal);
  struct State;
  std::unique_ptr<State> state_;
};

// A small file, whole in memory, in the caller's thread. `refusal` says why not, when it is the file's fault.
Result<Arrived> open_whole(const seal::Identity& identity, ByteView sealed, bool sha256, std::string& plain,
                           std::optional<seal::Refusal>& refusal);

}  // namespace qrx::receive
