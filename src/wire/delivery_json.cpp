#include "wire/delivery_json.h"

#include "base/bytes.h"

namespace qrx::wire {

static FileInfo read_file(const JsonValue& in) {
  FileInfo file;
  file.file = as_id(need(in, "file"), "file");
  file.name = as_string(need(in, "name"), "name");
  file.size = as_number(need(in, "size"), "size");
  file.type = as_string(need(in, "type"), "type");
  file.xxh128 = as_sum(need(in, "xxh128"), "xxh128");
  file.sealed = as_truth(need(in, "sealed"), "sealed");
  file.properties = read_properties(in);
  return file;
}

DeliveryInfo read_delivery(const JsonValue& in) {
  DeliveryInfo delivery;
  delivery.delivery = as_id(need(in, "delivery"), "delivery");
  delivery.committed = as_time(need(in, "committed"), "committed");
  if (const JsonValue* v = find(in, "message")) delivery.message = as_string(*v, "message");
  for (const JsonValue& file : as_list(need(in, "files"), "files")) delivery.files.push_back(read_file(file));
  return delivery;
}

static ListText write(const std::vector<FileInfo>& files, const AddressOf& address_of) {
  ListText out;
  for (const FileInfo& file : files)
    out.object()
        .executable(file.properties)
        .text("file", file.file.text())
        .modified(file.properties)
        .text("name", file.name)
        .truth("sealed", file.sealed)
        .number("size", file.size)
        .text("type", file.type)
        .text("url", address_of(file.file))
        .text("xxh128", to_hex(file.xxh128));
  return out;
}

ListText write(const std::vector<DeliveryInfo>& deliveries, const AddressOf& address_of) {
  ListText out;
  for (const DeliveryInfo& delivery : deliveries) {
    out.object()
        .text("committed", to_rfc3339(delivery.committed))
        .text("delivery", delivery.delivery.text())
        .list("files", write(delivery.files, address_of));
    if (!delivery.message.empty()) out.text("message", delivery.message);
  }
  return out;
}

}  // namespace qrx::wire
