// Drives src/seal from scripts, without network and tools:
//   seal-driver keygen            prints an identity and its recipient, a line each
//   seal-driver seal RECIPIENT    seals stdin to stdout
//   seal-driver open [PIECE]      opens stdin with the identity in $SEAL_IDENTITY, in pieces of so many bytes; what was
//                                 verified goes to stdout; a refusal is one word on stderr, exit 6
//   seal-driver rewrite           reads a header from stdin and writes it again, what follows it included
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "seal/opener.h"
#include "seal/sealer.h"

namespace {

using namespace qrx;
using namespace qrx::seal;

int failed(const Error& error) {
  std::fprintf(stderr, "%s\n", error.what.c_str());
  return error.kind == Kind::usage ? 2 : 1;
}

Result<std::size_t> read_stdin(std::span<std::byte> space) {
  const std::size_t size = std::fread(space.data(), 1, space.size(), stdin);
  if (size == 0 && std::ferror(stdin) != 0) return fail(Kind::other, "cannot read stdin");
  return size;
}

Result<void> write_stdout(ByteView bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size())
    return fail(Kind::other, "cannot write stdout");
  return {};
}

const char* word(Refusal refusal) {
  switch (refusal) {
    case Refusal::not_age:
      return "not_age";
    case Refusal::armored:
      return "armored";
    case Refusal::other_version:
      return "other_version";
    case Refusal::malformed_header:
      return "malformed_header";
    case Refusal::passphrase:
      return "passphrase";
    case Refusal::no_match:
      return "no_match";
    case Refusal::changed_header:
      return "changed_header";
    case Refusal::changed_payload:
      return "changed_payload";
    case Refusal::truncated:
      return "truncated";
    case Refusal::trailing:
      return "trailing";
    case Refusal::no_crypto:
      break;
  }
  return "no_crypto";
}

int generate() {
  const auto identity = Identity::generate();
  if (!identity) return failed(identity.error());
  std::printf("%s\n%s\n", identity->text().c_str(), identity->recipient().text().c_str());
  return 0;
}

int seal_stdin(const char* recipient_text) {
  const auto recipient = Recipient::parse(recipient_text);
  if (!recipient) return failed(recipient.error());
  auto sealer = Sealer::create(*recipient, SealSecrets::generate());
  if (!sealer) return failed(sealer.error());
  SealedReader reader(
      std::move(*sealer), [](std::uint64_t, std::span<std::byte> space) { return read_stdin(space); }, std::nullopt);
  std::vector<std::byte> space(sealed_chunk_size);
  for (;;) {
    const auto size = reader.read(space);
    if (!size) return failed(size.error());
    if (*size == 0) return std::fflush(stdout) == 0 ? 0 : 1;
    if (const auto written = write_stdout(ByteView(space).first(*size)); !written) return failed(written.error());
  }
}

int open_stdin(std::size_t piece) {
  const char* text = std::getenv("SEAL_IDENTITY");
  const auto identity = Identity::parse(text == nullptr ? "" : text);
  if (!identity) return failed(identity.error());
  Opener opener(*identity);
  std::vector<std::byte> space(piece);
  Result<void> opened;
  for (bool more = true; more && opened;) {
    const auto size = read_stdin(space);
    if (!size) return failed(size.error());
    more = *size > 0;
    opened = more ? opener.push(ByteView(space).first(*size), write_stdout) : opener.finish(write_stdout);
  }
  if (std::fflush(stdout) != 0) return 1;
  if (opened) return 0;
  if (!opener.refusal()) return failed(opened.error());
  std::fprintf(stderr, "%s\n", word(*opener.refusal()));
  return 6;
}

int rewrite_stdin() {
  HeaderReader reader;
  std::vector<std::byte> space(4096);
  for (;;) {
    const auto size = read_stdin(space);
    if (!size) return failed(size.error());
    if (*size == 0) return 0;
    ByteView bytes = ByteView(space).first(*size);
    if (!reader.complete()) {
      const auto taken = reader.push(bytes);
      if (!taken) return failed(explain(taken.error()));
      bytes = bytes.subspan(*taken);
      if (reader.complete()) {
        const std::string text = write_covered(reader.header().stanzas) + write_mac_line_end(reader.header().mac);
        if (const auto written = write_stdout(as_bytes(text)); !written) return failed(written.error());
      }
    }
    if (const auto written = write_stdout(bytes); !written) return failed(written.error());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "keygen") return generate();
  if (command == "seal" && argc == 3) return seal_stdin(argv[2]);
  if (command == "open") return open_stdin(argc > 2 ? static_cast<std::size_t>(std::atol(argv[2])) : 65536);
  if (command == "rewrite") return rewrite_stdin();
  std::fputs("usage: seal-driver keygen | seal RECIPIENT | open [PIECE] | rewrite\n", stderr);
  return 2;
}
