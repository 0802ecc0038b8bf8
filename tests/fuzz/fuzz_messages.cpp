// JSON messages from the network: whatever is accepted is written and read back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/messages.h"
#include "wire/share_messages.h"

template <class T, class... How>
static void round_trip(std::string_view text, const How&... how) {
  if (const auto message = qrx::wire::from_json<T>(text);
      message && !qrx::wire::from_json<T>(to_json(*message, how...)))
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const qrx::wire::AddressOf addresses = [](const qrx::Id& file) { return "/" + file.text(); };
  round_trip<qrx::wire::CreateSpace>(text);
  round_trip<qrx::wire::SpaceInfo>(text, addresses);
  round_trip<qrx::wire::DropInfo>(text);
  round_trip<qrx::wire::DeliveryState>(text);
  round_trip<qrx::wire::Problem>(text);
  round_trip<qrx::wire::CreateShares>(text);
  round_trip<qrx::wire::Shares>(text);
  round_trip<qrx::wire::ReportShare>(text);
  round_trip<qrx::wire::SharedSpace>(text, addresses);
  return 0;
}
