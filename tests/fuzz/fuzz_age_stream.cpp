// A sealed file that someone cut, changed, doubled and reordered: nothing but a prefix of the plain bytes is ever
// released, and only the untouched file is called whole. The input is the plain size, the size of pieces, and the
// edits.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "seal/opener.h"
#include "seal/sealer.h"

using namespace qrx;
using namespace qrx::seal;

static const Identity& identity() {
  static const Identity one =
      *Identity::parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX");
  return one;
}

static std::string seal_text(const std::string& plain) {
  auto sealer = Sealer::create(identity().recipient(), *SealSecrets::derive(Key{}, "fuzz"));
  SealedReader reader(
      std::move(*sealer),
      [&](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
        const std::size_t size = std::min(space.size(), plain.size() - static_cast<std::size_t>(offset));
        std::memcpy(space.data(), plain.data() + offset, size);
        return size;
      },
      plain.size());
  std::string sealed(static_cast<std::size_t>(*reader.sealed_size()), '\0');
  for (std::size_t at = 0; at < sealed.size();)
    at += *reader.read(std::as_writable_bytes(std::span(sealed).subspan(at)));
  return sealed;
}

namespace {
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool more() const { return size_ > 0; }
  std::size_t number(std::size_t below) {  // three bytes of the script
    std::size_t value = 0;
    for (int i = 0; i < 3 && size_ > 0; ++i, --size_) value = value << 8 | *data_++;
    return below == 0 ? 0 : value % below;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};
}  // namespace

static void edit(std::string& sealed, Script& script) {
  const std::size_t at = script.number(sealed.size() + 1);
  const std::size_t length = script.number(sealed.size() - at + 1);
  switch (script.number(6)) {
    case 0:
      sealed.resize(at);
      break;
    case 1:
      sealed.erase(at, length);
      break;
    case 2:
      sealed.insert(at, sealed.substr(0, length));
      break;
    case 3:
      sealed += sealed.substr(at, length);
      break;
    case 4:
      std::rotate(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(at), sealed.end());
      break;
    default:
      if (at < sealed.size()) sealed[at] = static_cast<char>(sealed[at] ^ (1 << length % 8));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script(data, size);
  std::string plain(script.number(3 * chunk_size + 2), 'a');
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<char>(i * 2654435761U >> 24);
  const std::size_t least_piece = 1 + script.number(2 * sealed_chunk_size);
  const std::string original = seal_text(plain);
  std::string sealed = original;
  for (int edits = 0; edits < 4 && script.more(); ++edits) edit(sealed, script);
  sealed.resize(std::min(sealed.size(), 2 * original.size()));
  const std::size_t piece = std::max(least_piece, sealed.size() / 256);  // so that a run stays quick

  Opener opener(identity());
  std::string released;
  const PlainSink sink = [&](ByteView bytes) -> Result<void> {
    released += as_text(bytes);
    return {};
  };
  bool good = true;
  for (std::size_t at = 0; at < sealed.size() && good; at += piece) {
    good = opener.push(as_bytes(std::string_view(sealed).substr(at, piece)), sink).has_value();
    // Goes on from a saved state now and then.
    if (!good || at % 3 != 0) continue;
    if (const auto state = opener.state(); state && state->sealed_offset() > at) {
      opener = *Opener::resume(*OpenerState::parse(state->text()));
      at = static_cast<std::size_t>(state->sealed_offset()) - piece;
    }
  }
  const bool whole = good && opener.finish(sink).has_value();
  if (!plain.starts_with(released)) std::abort();
  if (whole && (sealed != original || released != plain)) std::abort();
  if (opener.released() != released.size()) std::abort();
  return 0;
}
