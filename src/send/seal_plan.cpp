#include "send/seal_plan.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "seal/item.h"
#include "wire/id.h"

namespace qrx::send {
namespace {

// No name has control characters, so the newlines keep two sources from having the same text: the same secrets would
// seal two files with one key stream.
std::string context_of(const seal::Recipient& recipient, const Source& source) {
  std::string text = "qrx file 1\n" + recipient.text() + "\n" + source.name + "\n";
  // A stream is sealed once only: its run has a seed of its own, which is not kept.
  if (source.stream) return text + "stream";
  for (const auto figure : {static_cast<std::int64_t>(source.size.value_or(0)), source.mtime_ns, source.ctime_ns,
                            static_cast<std::int64_t>(source.device), static_cast<std::int64_t>(source.inode)})
    text += std::to_string(figure) + "\n";
  return text;
}

Result<std::string> item_name(const seal::Key& seed, const std::string& context) {
  // Derived, so that a second run finds the items of the first; it says nothing to whoever lacks the seed.
  const Sha256Sum salt = sha256(as_bytes(context));
  const auto bytes = seal::hkdf_sha256(seed.view(), as_bytes(salt), "qrx item name");
  if (!bytes) return tl::unexpected(bytes.error());
  Id id;
  std::copy_n(bytes->data(), id.bytes.size(), id.bytes.begin());
  return id.text() + ".age";
}

}  // namespace

Result<std::string> seal_whole(seal::Sealer sealer, ByteView plain) {
  const auto source = [plain](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(space.size(), plain.size() - offset));
    if (size > 0) std::memcpy(space.data(), plain.data() + offset, size);
    return size;
  };
  seal::SealedReader reader(std::move(sealer), source, plain.size());
  std::string out(static_cast<std::size_t>(*reader.sealed_size()), '\0');
  for (std::size_t at = 0; at < out.size();) {
    const auto got = reader.read(std::as_writable_bytes(std::span(out)).subspan(at));
    if (!got) return tl::unexpected(got.error());
    at += *got;
  }
  return out;
}

Result<seal::SealSecrets> SealPlan::secrets(std::size_t index) const {
  return seal::SealSecrets::derive(seed_, context_of(recipient_, sources_->sources[index]));
}

Result<SealPlan> SealPlan::make(const seal::Recipient& recipient, const seal::Key& seed, const SourceList& sources,
                                const std::string& message, bool preserve) {
  SealPlan plan(recipient, sources);
  plan.seed_ = seed.clone();
  wire::Manifest manifest;
  manifest.message = message;
  for (std::size_t i = 0; i < sources.sources.size(); ++i) {
    auto item = item_name(seed, context_of(recipient, sources.sources[i]));
    if (!item) return tl::unexpected(item.error());
    // Only the manifest tells the tag: who knows it can tell that an item is the one that it names.
    const auto secrets = plan.secrets(i);
    if (!secrets) return tl::unexpected(secrets.error());
    const auto key = seal::payload_key(secrets->file_key, secrets->nonce);
    if (!key) return tl::unexpected(key.error());
    auto tag = seal::item_tag(*key);
    if (!tag) return tl::unexpected(tag.error());
    manifest.files.push_back(
        {*item, sources.sources[i].name, std::move(*tag), properties_of(sources.sources[i], preserve)});
    plan.items_.push_back(std::move(*item));
  }
  const std::string text = wire::to_json(manifest);
  // Its whole content is the context: other content has other secrets.
  const auto secrets = seal::SealSecrets::derive(seed, "qrx manifest 1\n" + recipient.text() + "\n" + text);
  if (!secrets) return tl::unexpected(secrets.error());
  auto sealer = seal::Sealer::create(recipient, *secrets);
  if (!sealer) return tl::unexpected(sealer.error());
  auto sealed = seal_whole(std::move(*sealer), as_bytes(text));
  if (!sealed) return tl::unexpected(sealed.error());
  plan.manifest_ = std::move(*sealed);
  return plan;
}

Result<seal::Sealer> SealPlan::sealer(std::size_t index) const {
  const auto own = secrets(index);
  if (!own) return tl::unexpected(own.error());
  return seal::Sealer::create(recipient_, *own);
}

}  // namespace qrx::send
