#include "receive/sealed_contents.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "api/owner_client.h"
#include "api/retry.h"
#include "base/checksum.h"
#include "base/running_sums.h"
#include "receive/age_decryptor.h"
#include "receive/fetch_whole.h"
#include "receive/item_names.h"
#include "seal/item.h"
#include "wire/limits.h"

namespace qrx::receive {
namespace {

struct OpenedManifest {
  wire::Manifest manifest;
  std::string tag;
  wire::FileInfo info;  // of the server
  std::string sealed;
};

// Nothing when it is a file that only has this name.
Result<std::optional<OpenedManifest>> read_manifest(const ReceiveJob& job, const wire::FileInfo& info) {
  // Larger than any message: a file that only has this name, and is saved as such.
  if (info.size > wire::most_manifest_bytes) return std::nullopt;
  auto sealed = fetch_whole(job, info, "the list of files");
  if (!sealed) return tl::unexpected(sealed.error());
  std::string text;
  std::optional<seal::Refusal> refusal;
  const auto opened = open_whole(*job.options.identity, as_bytes(*sealed), false, text, refusal);
  if (!opened && refusal && is_foreign(*refusal)) return std::nullopt;
  if (!opened)
    return fail(opened.error().kind, "the list of files of a delivery cannot be opened: " + opened.error().what,
                opened.error().hint);
  auto manifest = wire::from_json<wire::Manifest>(text);
  // It opens, but is no list of files: so somebody sealed a file of this name.
  if (!manifest) return std::nullopt;
  return OpenedManifest{std::move(*manifest), opened->tag, info, std::move(*sealed)};
}

void keep_of(const ReceiveJob& job, OpenedManifest& opened, DeliveryContents& out) {
  out.manifest_tag = opened.tag;
  out.shown.message = opened.manifest.message;
  out.list = std::move(opened.info);
  if (job.limited) out.sealed_list = std::move(opened.sealed);
}

// Where these end that make up one item: a pack, or a file by itself.
using Entries = std::vector<wire::ManifestFile>;
Entries::const_iterator end_of_item(Entries::const_iterator begin, Entries::const_iterator end) {
  if (!begin->size) return begin + 1;
  return std::find_if(begin, end, [&](const auto& other) { return !other.size || other.item != begin->item; });
}

// By its item, which its tag tells from all others, and its place there: the same in a later run, and no other file's.
Id id_of_part(const std::string& tag, const Id& item, std::size_t number) {
  const Sha256Sum sum =
      sha256(as_bytes("qrx part of a pack 1\n" + tag + "\n" + item.text() + "\n" + std::to_string(number)));
  Id id;
  std::copy_n(sum.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

// The parts of a pack, or one file. Sizes that do not add up to what the item holds show when it is opened.
Result<void> add_item(Entries::const_iterator entry, Entries::const_iterator end, const wire::FileInfo& info,
                      std::vector<Item>& items) {
  const std::size_t first = items.size(), last = first + static_cast<std::size_t>(end - entry);
  std::uint64_t offset = 0;
  for (; entry != end; ++entry) {
    Item item{info, entry->name, true, true, entry->tag};
    item.info.properties = entry->properties;  // whatever the server says
    if (entry->size) {
      if (info.size > wire::most_small_bytes || *entry->size > info.size - offset)
        return fail(Kind::integrity, entry->name + " is not what its sender sent: it is larger than what holds it");
      item.part = PackPart{id_of_part(entry->tag, info.file, items.size() - first), offset, *entry->size, first, last};
      offset += *entry->size;
    }
    items.push_back(std::move(item));
  }
  return {};
}

using ByName = std::map<std::string_view, const wire::FileInfo*>;

// All that the manifest names; it goes from what is left.
Result<void> add_named(const ReceiveJob& job, const Entries& named, ByName& left, DeliveryContents& out) {
  // The server counts items; what a pack holds it cannot know.
  if (job.max_files != 0 && named.size() > job.max_files)
    return fail(Kind::integrity, "a delivery of " + std::to_string(named.size()) + " files: no more than " +
                                     std::to_string(job.max_files) + " are accepted");
  for (auto entry = named.begin(); entry != named.end();) {
    const auto end = end_of_item(entry, named.end());
    const auto found = left.find(entry->item);
    // The manifest is sealed and names all: a server that leaves out a file is noticed.
    if (found == left.end())
      return fail(Kind::integrity,
                  entry->name + " is missing from its delivery: the server does not have all that was sent");
    if (auto added = add_item(entry, end, *found->second, out.items); !added) return added;
    out.item_tags.push_back(entry->tag);
    left.erase(found);
    entry = end;
  }
  std::sort(out.item_tags.begin(), out.item_tags.end());
  return {};
}

}  // namespace

Error not_sealed(const std::string& name) {
  return {Kind::integrity, name + " is not encrypted to the key of this link, and nothing else is accepted", {}};
}

Error no_key() {
  return {Kind::integrity, "what this link holds is encrypted, and the link came without its key",
          "copy the whole link, with all that follows the #; or save it encrypted, with --seal off"};
}

Result<void> admit(const ReceiveJob& job, const DeliveryContents& contents) {
  const Id& delivery = contents.shown.delivery;
  if (contents.manifest_tag.empty()) return {};
  // All at once: a delivery with one item that was taken elsewhere claims nothing, and of thousands of items none needs
  // a lock, a write and a sync of its own when it is opened. The manifest last: a record that is full forgets it last.
  std::vector<std::string> tags = contents.item_tags;
  tags.push_back(contents.manifest_tag);
  if (job.seals->take(delivery, tags, true)) return {};
  return tl::unexpected(shown_again("a sealed delivery"));
}

Result<void> admit_item(const ReceiveJob& job, const DeliveryContents& contents, const Item& item,
                        const std::string& tag, bool durable) {
  // Under one manifest the server could swap the bytes of two items: each opens, but the tags tell.
  if (item.in_manifest && item.tag != tag)
    return fail(Kind::integrity,
                item.name + " is not what its sender sent: the server holds another item under its name");
  // Sealed again it would have another tag, so this is a copy under another name.
  if (!item.in_manifest && std::binary_search(contents.item_tags.begin(), contents.item_tags.end(), tag))
    return fail(Kind::integrity, item.name + " is a file of this delivery that the server shows a second time");
  // What the manifest names was taken with it: this asks the file only for what a full record has forgotten since.
  if (job.seals->take(contents.shown.delivery, tag, durable && !item.in_manifest)) return {};
  return tl::unexpected(shown_again(item.name));
}

wire::FileInfo opened_info(const Item& item, std::uint64_t size, const Xxh128Sum& sum) {
  wire::FileInfo info = item.info;
  info.name = item.name;
  info.size = size;
  info.xxh128 = sum;
  info.sealed = true;
  return info;
}

wire::FileInfo unopened_info(const Item& item) {
  wire::FileInfo info = item.info;
  info.sealed = false;
  return info;
}

Result<DeliveryContents> read_contents(const ReceiveJob& job, const wire::DeliveryInfo& delivery) {
  DeliveryContents out;
  out.shown = delivery;
  out.shown.files.clear();
  const bool opens = job.options.identity != nullptr;
  ByName left;                             // only a hostile server shows one twice
  std::set<const wire::FileInfo*> others;  // of names that came before
  std::optional<OpenedManifest> opened;
  for (const auto& file : delivery.files) {
    // The first of this name that opens; a second one is a file.
    if (opens && !opened && file.name == wire::manifest_name) {
      auto read = read_manifest(job, file);
      if (!read) return tl::unexpected(read.error());
      opened = std::move(*read);
      if (opened) continue;
    }
    if (!left.emplace(file.name, &file).second) others.insert(&file);
  }
  if (opened) {
    if (auto added = add_named(job, opened->manifest.files, left, out); !added) return tl::unexpected(added.error());
    keep_of(job, *opened, out);
  }
  bool locked = false;
  // What the manifest names is done; what is left came unsealed, or sealed in another way.
  for (const auto& file : delivery.files) {
    const auto found = left.find(file.name);
    if ((found == left.end() || found->second != &file) && !others.contains(&file)) continue;
    const bool open = opens && file.sealed;
    if (file.sealed && job.options.refuse_sealed) {
      locked = true;
      continue;
    }
    if (!open && job.options.only_sealed) return tl::unexpected(not_sealed(file.name));
    out.items.push_back({file, open ? without_age_ending(file.name) : file.name, open, false, {}});
  }
  if (locked && out.items.empty()) return tl::unexpected(no_key());
  out.locked = locked;
  for (const auto& item : out.items) {
    wire::FileInfo info = item.info;
    info.file = item.id();
    info.name = item.name;
    if (item.open) info.size = item.part ? item.part->size : seal::plain_part(info.size);
    info.sealed = item.open;
    out.shown.files.push_back(std::move(info));
  }
  // Without a manifest a text came unsealed.
  if (!opened && job.options.only_sealed && is_text(out.shown)) return tl::unexpected(not_sealed("a text"));
  return out;
}

}  // namespace qrx::receive
