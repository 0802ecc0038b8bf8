#include "send/seal_plan.h"

#include <algorithm>
#include <span>
#include <system_error>
#include <thread>

#include "base/bytes.h"
#include "base/thrown.h"
#include "seal/item.h"
#include "wire/id.h"

namespace qrx::send {
namespace {

// No name has control characters, so the newlines keep two sources from having the same text: the same secrets would
// seal two files with one key stream.
std::string context_of(const std::string& recipient, const SourceList& list, std::span<const std::size_t> sources) {
  std::string text = (sources.size() > 1 ? "qrx pack 1\n" : "qrx file 1\n") + recipient + "\n";
  for (const std::size_t index : sources) {
    const Source& source = list.sources[index];
    text += source.name + "\n";
    // A stream is sealed once only: its run has a seed of its own, which is not kept.
    if (source.stream) return text + "stream";
    for (const auto figure : {static_cast<std::int64_t>(source.size.value_or(0)), source.mtime_ns, source.ctime_ns,
                              static_cast<std::int64_t>(source.device), static_cast<std::int64_t>(source.inode)})
      text += std::to_string(figure) + "\n";
  }
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

// Some 10 ms of work: less is done before another thread has begun.
constexpr std::size_t items_worth_a_thread = 1'000;
constexpr std::size_t most_threads = 8;

}  // namespace

// Chunk by chunk to where it belongs: a SealedReader would clear and fill a buffer of 64 KiB for each file.
Result<std::string> seal_whole(seal::Sealer sealer, ByteView plain) {
  const seal::Layout layout = sealer.layout(plain.size());
  std::string out(sealer.front());
  out.resize(static_cast<std::size_t>(layout.sealed_size()));
  const auto space = std::as_writable_bytes(std::span(out));
  for (std::uint64_t chunk = 0; chunk < layout.chunk_count(); ++chunk) {
    const std::size_t size = layout.plain_chunk_size(chunk);
    const auto from = plain.subspan(static_cast<std::size_t>(chunk * seal::chunk_size), size);
    const auto to = space.subspan(static_cast<std::size_t>(layout.sealed_offset(chunk)), size + seal::tag_size);
    if (auto sealed = sealer.seal_chunk(chunk, layout.is_last(chunk), from, to); !sealed)
      return tl::unexpected(std::move(sealed.error()));
  }
  return out;
}

Result<SealPlan::Item> SealPlan::make_item(const seal::Key& seed, const std::string& context) {
  auto name = item_name(seed, context);
  if (!name) return tl::unexpected(name.error());
  auto secrets = seal::SealSecrets::derive(seed, context);
  if (!secrets) return tl::unexpected(secrets.error());
  // Only the manifest tells the tag: who knows it can tell that an item is the one that it names.
  const auto key = seal::payload_key(secrets->file_key, secrets->nonce);
  if (!key) return tl::unexpected(key.error());
  auto tag = seal::item_tag(*key);
  if (!tag) return tl::unexpected(tag.error());
  return Item{std::move(*name), std::move(*tag), std::move(*secrets)};
}

// By several threads: nothing is sent before all of them are there, and of many thousands that takes a while.
Result<void> SealPlan::make_items(const seal::Key& seed, const SourceList& sources, const Items& items) {
  const std::string recipient = recipient_.text();
  const std::size_t many = items.count();
  items_.resize(many);
  const std::size_t count = std::clamp<std::size_t>(
      std::min<std::size_t>(many / items_worth_a_thread, std::thread::hardware_concurrency()), 1, most_threads);
  std::vector<Result<void>> done(count);
  const auto make = [&](std::size_t part) {
    done[part] = catching([&]() -> Result<void> {
      for (std::size_t i = part; i < many; i += count) {
        auto item = make_item(seed, context_of(recipient, sources, items.sources(i)));
        if (!item) return tl::unexpected(item.error());
        items_[i] = std::move(*item);
      }
      return {};
    });
  };
  std::vector<std::thread> threads;
  threads.reserve(count);  // no growth that could throw while some of them run
  for (std::size_t part = 1; part < count; ++part) {
    try {
      threads.emplace_back(make, part);
    } catch (const std::system_error&) {
      make(part);  // no thread more: here, then
    }
  }
  make(0);
  for (auto& thread : threads) thread.join();
  for (const auto& one : done)
    if (!one) return one;
  return {};
}

Result<SealPlan> SealPlan::make(const seal::Recipient& recipient, const seal::Key& seed, const SourceList& sources,
                                const Items& items, const std::string& message, bool preserve) {
  SealPlan plan(recipient);
  if (auto made = plan.make_items(seed, sources, items); !made) return tl::unexpected(made.error());
  wire::Manifest manifest;
  manifest.message = message;
  manifest.files.reserve(sources.sources.size());
  for (std::size_t i = 0; i < plan.items_.size(); ++i) {
    const std::string tag = std::move(plan.items_[i].tag);
    for (const std::size_t index : items.sources(i)) {
      const Source& source = sources.sources[index];
      manifest.files.push_back({plan.items_[i].name, source.name, tag, properties_of(source, preserve)});
      if (items.is_pack(i)) manifest.files.back().size = source.size;
    }
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

Result<seal::Sealer> SealPlan::sealer(std::size_t item) const {
  return seal::Sealer::create(recipient_, items_[item].secrets);
}

}  // namespace qrx::send
