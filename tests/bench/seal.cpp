// Rates of src/seal on one core, from memory to memory: qrx-bench-seal [MEBIBYTES] prints a line each.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "seal/fingerprint.h"
#include "seal/opener.h"
#include "seal/sealer.h"

using namespace qrx;
using namespace qrx::seal;

namespace {

// Of this thread: the machine may be busy.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The best of five.
void measure(const char* name, double amount, const char* unit, const std::function<bool()>& work) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const double began = cpu_seconds();
    if (!work()) {
      std::printf("%-34s failed\n", name);
      std::exit(1);
    }
    best = std::min(best, cpu_seconds() - began);
  }
  std::printf("%-34s %10.2f %s\n", name, amount / best, unit);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t size = static_cast<std::size_t>(argc > 1 ? std::atol(argv[1]) : 256) << 20;
  const double gigabytes = static_cast<double>(size) * 1e-9;
  const auto identity = Identity::generate();
  const SealSecrets secrets = SealSecrets::generate();
  auto sealer = Sealer::create(identity->recipient(), secrets);
  std::vector<std::byte> chunk(sealed_chunk_size, std::byte{7});
  measure("seal chunks in place", gigabytes, "GB/s", [&] {
    for (std::uint64_t i = 0; i < size / chunk_size; ++i)
      if (!sealer->seal_chunk(i, false, ByteView(chunk).first(chunk_size), chunk)) return false;
    return true;
  });

  const PlainReader zeros = [](std::uint64_t, std::span<std::byte> space) -> Result<std::size_t> {
    return space.size();
  };
  const auto ends = [&](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
    return zeros(offset, space.first(std::min<std::size_t>(space.size(), size - std::min<std::size_t>(size, offset))));
  };
  std::vector<std::byte> sealed(seal::sealed_size(size));
  for (const std::size_t piece : {sealed_chunk_size, std::size_t{16384}, std::size_t{1} << 20}) {
    char name[64];
    std::snprintf(name, sizeof name, "SealedReader, reads of %zu bytes", piece);
    measure(name, gigabytes, "GB/s", [&] {
      SealedReader reader(*Sealer::create(identity->recipient(), secrets), ends, size);
      std::size_t at = 0;
      for (;;) {
        const auto got = reader.read(std::span(sealed).subspan(at, std::min(piece, sealed.size() - at)));
        if (!got) return false;
        if (*got == 0) return at == sealed.size();
        at += *got;
      }
    });
  }
  for (const std::size_t piece : {sealed_chunk_size, std::size_t{16384}, std::size_t{1} << 20}) {
    char name[64];
    std::snprintf(name, sizeof name, "Opener, pieces of %zu bytes", piece);
    measure(name, gigabytes, "GB/s", [&] {
      Opener opener(*identity);
      const PlainSink sink = [](ByteView) -> Result<void> { return {}; };
      for (std::size_t at = 0; at < sealed.size(); at += piece)
        if (!opener.push(ByteView(sealed).subspan(at, std::min(piece, sealed.size() - at)), sink)) return false;
      return opener.finish(sink).has_value();
    });
  }
  measure("headers made", 1000, "a second", [&] {
    for (int i = 0; i < 1000; ++i)
      if (!Sealer::create(identity->recipient(), secrets)) return false;
    return true;
  });
  measure("headers opened", 1000, "a second", [&] {
    const PlainSink sink = [](ByteView) -> Result<void> { return {}; };
    for (int i = 0; i < 1000; ++i) {
      Opener opener(*identity);
      if (!opener.push(ByteView(sealed).first(184), sink) || !opener.opened()) return false;
    }
    return true;
  });
  measure("fingerprints", 1, "a second", [] { return fingerprint("example.org", "guid", "").has_value(); });
  return 0;
}
