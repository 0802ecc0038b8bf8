#include "receive/sealed_pack.h"

#include <optional>

#include "base/running_sums.h"
#include "receive/age_decryptor.h"

namespace qrx::receive {
namespace {

// "a.txt and 62 files that were sealed with it"
std::string name_of_pack(const DeliveryContents& contents, const PackPart& part) {
  const std::size_t others = part.end - part.first - 1;
  const std::string& name = contents.items[part.first].name;
  if (others == 0) return name;
  return name + " and " + std::to_string(others) + (others == 1 ? " file that was" : " files that were") +
         " sealed with it";
}

}  // namespace

Result<std::string> open_pack(const ReceiveJob& job, const DeliveryContents& contents, std::size_t file,
                              std::string_view sealed) {
  const Item& item = contents.items[file];
  const PackPart& part = *item.part;
  const std::string name = name_of_pack(contents, part);
  // Compared before it is opened: damage on the way is not mistaken for tampering.
  if (sealed.size() != item.info.size || sums_of(as_bytes(sealed), false).xxh128 != item.info.xxh128)
    return fail(Kind::integrity, name + ": arrived damaged, twice: the checksum differs");
  std::string plain;
  std::optional<seal::Refusal> refusal;
  const auto opened = open_whole(*job.options.identity, as_bytes(sealed), false, plain, refusal);
  if (!opened && refusal && is_foreign(*refusal)) return tl::unexpected(not_sealed(name));
  if (!opened)
    return fail(opened.error().kind, "cannot open " + name + ": " + opened.error().what,
                opened.error().hint.empty() ? "ask their sender to send them again" : opened.error().hint);
  if (auto admitted = admit_item(job, contents, item, opened->tag, false); !admitted)
    return tl::unexpected(admitted.error());
  const PackPart& last = *contents.items[part.end - 1].part;
  if (plain.size() != last.offset + last.size)
    return fail(Kind::integrity, name + ": the item that holds them is of another size than its list says");
  return plain;
}

std::string_view part_of(const Item& file, std::string_view pack) {
  return pack.substr(static_cast<std::size_t>(file.part->offset), static_cast<std::size_t>(file.part->size));
}

}  // namespace qrx::receive
