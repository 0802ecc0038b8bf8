// Deliveries and their files, as the messages about spaces and those about shares name them. Their JSON has a member
// more, the address of each file: whoever asks has a right to it by one link or another, so what writes a message says
// where its files are, and a reader makes the address itself of the link that it has.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "wire/id.h"
#include "wire/properties.h"

namespace qrx::wire {

struct FileInfo {
  Id file;
  std::string name;  // relative path, '/' between parts; as the sender gave it: hostile
  std::uint64_t size = 0;
  std::string type;  // by content
  Xxh128Sum xxh128{};
  bool sealed = false;
  FileProperties properties{};  // of a sealed file: as its manifest has them
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

struct DeliveryInfo {
  Id delivery;
  WallTime committed;
  std::string message;
  std::vector<FileInfo> files;
  friend bool operator==(const DeliveryInfo&, const DeliveryInfo&) = default;
};

using AddressOf = std::function<std::string(const Id& file)>;

// Puts the next page of what is committed behind the pages before it.
void append_page(std::vector<DeliveryInfo>& deliveries, std::vector<DeliveryInfo> page);

}  // namespace qrx::wire
