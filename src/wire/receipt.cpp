#include "wire/receipt.h"

#include "wire/json.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

ReceiptState as_receipt_state(const JsonValue& value, const char* name) {
  const std::string text = as_string(value, name);
  for (const ReceiptState state : {ReceiptState::kept, ReceiptState::declined, ReceiptState::saved})
    if (text == to_text(state)) return state;
  // Not "none": that is what a server says of files of which nobody spoke, and no receiver can say it.
  throw Malformed{std::string(name) + " is none of saved, declined, kept"};
}

ReceiptCounts read_counts(const JsonValue& in) {
  if (!in.is_object()) throw Malformed{"receipt is not an object"};
  return {as_number(need(in, "saved"), "saved"), as_number(need(in, "declined"), "declined"),
          as_number(need(in, "kept"), "kept"), as_number(need(in, "missing"), "missing")};
}

}  // namespace

std::string_view to_text(ReceiptState state) {
  switch (state) {
    case ReceiptState::kept:
      return "kept";
    case ReceiptState::declined:
      return "declined";
    case ReceiptState::saved:
      return "saved";
    case ReceiptState::none:
      break;
  }
  return "none";
}

std::string to_json(const Receipt& in) {
  json out = {{"state", to_text(in.state)}};
  for (const Id& file : in.files) out["files"].push_back(file.text());
  return dump(out);
}

std::string to_json(const DeliveryStatus& in) {
  json files = json::array();
  for (const auto& [file, receipt] : in.files) {
    json one = {{"name", file.name}, {"size", file.size}, {"xxh128", to_hex(file.xxh128)}};
    if (receipt != ReceiptState::none) one["receipt"] = to_text(receipt);
    files.push_back(std::move(one));
  }
  json out = {{"delivery", in.delivery.text()}, {"committed", in.committed}, {"files", std::move(files)}};
  // A server that knows no receipts, and one whose delivery is not committed, leave both out; seq alone would say
  // nothing.
  if (in.receipt) {
    out["seq"] = in.seq;
    out["receipt"] = {{"saved", in.receipt->saved},
                      {"declined", in.receipt->declined},
                      {"kept", in.receipt->kept},
                      {"missing", in.receipt->missing}};
  }
  return dump(out);
}

Result<Receipt> receipt_from_json(std::string_view text) {
  return read_message<Receipt>(text, [](const JsonValue& in, Receipt& out) {
    out.state = as_receipt_state(need(in, "state"), "state");
    const JsonValue* files = find(in, "files");
    if (!files) return;
    // An empty list would mean "no file"; leaving it out means "all". So that a client which ends up with an empty list
    // does not confirm everything, it is refused.
    if (!files->is_list() || files->size() == 0 || files->size() > most_receipt_files)
      throw Malformed{"files is not a list of the allowed length"};
    for (const JsonValue& item : *files) out.files.push_back(as_id(item, "files"));
  });
}

Result<DeliveryStatus> delivery_status_from_json(std::string_view text) {
  return read_message<DeliveryStatus>(text, [](const JsonValue& in, DeliveryStatus& out) {
    out.delivery = as_id(need(in, "delivery"), "delivery");
    out.committed = as_truth(need(in, "committed"), "committed");
    for (const JsonValue& item : as_list(need(in, "files"), "files")) {
      DeliveryFile& one = out.files.emplace_back();
      one.file.name = as_string(need(item, "name"), "name");
      one.file.size = as_number(need(item, "size"), "size");
      one.file.xxh128 = as_sum(need(item, "xxh128"), "xxh128");
      if (const JsonValue* v = find(item, "receipt")) one.receipt = as_receipt_state(*v, "receipt");
    }
    if (const JsonValue* v = find(in, "seq")) out.seq = as_number(*v, "seq");
    if (const JsonValue* v = find(in, "receipt")) out.receipt = read_counts(*v);
  });
}

}  // namespace qrx::wire
