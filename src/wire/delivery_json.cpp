#include "wire/delivery_json.h"

#include "base/bytes.h"

namespace qrx::wire {

static FileInfo read_file(const json& in) {
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

DeliveryInfo read_delivery(const json& in) {
  DeliveryInfo delivery;
  delivery.delivery = as_id(need(in, "delivery"), "delivery");
  delivery.committed = as_time(need(in, "committed"), "committed");
  if (const json* v = find(in, "message")) delivery.message = as_string(*v, "message");
  for (const json& file : as_list(need(in, "files"), "files")) delivery.files.push_back(read_file(file));
  return delivery;
}

static json write(const FileInfo& file, const AddressOf& address_of) {
  json out = {
      {"file", file.file.text()},      {"name", file.name},     {"size", file.size},           {"type", file.type},
      {"xxh128", to_hex(file.xxh128)}, {"sealed", file.sealed}, {"url", address_of(file.file)}};
  write_properties(file.properties, out);
  return out;
}

json write(const DeliveryInfo& delivery, const AddressOf& address_of) {
  json files = json::array();
  for (const FileInfo& file : delivery.files) files.push_back(write(file, address_of));
  json out = {{"delivery", delivery.delivery.text()},
              {"committed", to_rfc3339(delivery.committed)},
              {"files", std::move(files)}};
  if (!delivery.message.empty()) out["message"] = delivery.message;
  return out;
}

}  // namespace qrx::wire
