// Opening what arrives: one sealed file whose bytes come in order, by however many connections; verified plain bytes
// come out of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/result.h"
#include "receive/receive_job.h"
#include "seal/opener.h"
#include "seal/sealer.h"

namespace qrx::receive {

// What a sealed file turned out to be.
struct OpenedItem {
  std::uint64_t plain_size = 0;
  Sums plain;            // of what it held
  Xxh128Sum wire_sum{};  // of its sealed bytes, as the server has them
  std::string tag;       // seal::item_tag() of it
};

// True when the file is simply not for us to open, and is saved as it is; false when something is wrong with it.
bool is_foreign(seal::Refusal refusal);

bool has_age_ending(std::string_view name);
std::string without_age_ending(std::string_view name);  // "photo.jpg.age" -> "photo.jpg"; others stay
bool is_item_name(std::string_view wire_name);          // "<id>.age", as the items of a manifest are called
std::string known_name(std::string_view wire_name);     // before the manifest is read; empty for an item of one

// One thread at a time. Memory: that of an OpenPipeline.
class SealedIntake {
 public:
  // Asked once, before the sink gets anything; an error of it is returned by push().
  using AdmitTag = std::function<Result<void>(const std::string& tag)>;

  // The sink takes verified plain bytes, in order, on another thread, until finish() or an error was returned.
  SealedIntake(const seal::Identity& identity, seal::PlainSink sink, bool sha256, AdmitTag admit = nullptr);
  ~SealedIntake();

  std::uint64_t taken() const;  // sealed bytes: push() goes on here
  // An error is final. Kind::integrity and Kind::unsupported with a refusal(); others are the sink's.
  Result<void> push(ByteView sealed);
  Result<OpenedItem> finish();  // the file has ended
  std::optional<seal::Refusal> refusal() const;

  // Before the first push(), when an earlier run kept `chunks` whole chunks of verified plain bytes: `front` are the
  // first bytes of the sealed file, `plain` reads what was kept. The sealed bytes are made anew for their sum. Then
  // push() goes on at taken(). False when the front is not whole yet.
  Result<bool> go_on(ByteView front, std::uint64_t chunks, const seal::PlainReader& plain);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A small file, whole in memory. `refusal` says why not, when it is the file's fault.
Result<OpenedItem> open_whole(const seal::Identity& identity, ByteView sealed, bool sha256, std::string& plain,
                              std::optional<seal::Refusal>& refusal);

// One connection's worth: from where the intake stands to the end of the file. `total`: its sealed size, when known.
Result<void> fetch_sealed(api::OwnerClient& client, const Id& file, const std::optional<Xxh128Sum>& known,
                          const std::optional<std::uint64_t>& total, SealedIntake& intake,
                          std::vector<std::byte>& buffer, const std::function<Result<void>()>& each);

// Takes up the verified bytes of a partial: the intake stands behind them, and the partial holds whole chunks. A
// partial that is of no use is emptied.
Result<void> take_up_partial(api::OwnerClient& client, const Id& file, PartialFile& partial, SealedIntake& intake);

}  // namespace qrx::receive
