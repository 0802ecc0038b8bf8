#include "wire/share_messages.h"

#include "wire/delivery_json.h"
#include "wire/json.h"
#include "wire/recipient.h"

namespace qrx::wire {
namespace {

ShareState as_share_state(const JsonValue& value) {
  const auto state = share_state_from_text(as_string(value, "state"));
  if (!state) throw Malformed{"state is not the state of a share"};
  return *state;
}

json write(const ShareEvent& event) {
  json out = {{"state", to_text(event.state)}, {"at", to_rfc3339(event.at)}};
  if (!event.reason.empty()) out["reason"] = event.reason;
  return out;
}

json write(const ShareInfo& share) {
  json history = json::array();
  for (const ShareEvent& event : share.history) history.push_back(write(event));
  json out = {{"share", share.share.text()},
              {"to", share.to},
              {"link", share.link},
              {"state", to_text(share.state)},
              {"history", std::move(history)},
              {"downloads", share.downloads},
              {"limit", share.limit},
              {"expires", to_rfc3339(share.expires)}};
  if (!share.reason.empty()) out["reason"] = share.reason;
  if (share.fetching) out["fetching"] = {{"bytes", share.fetching->bytes}, {"total", share.fetching->total}};
  return out;
}

void read(const JsonValue& in, CreateShares& out) {
  const JsonValue& recipients = need(in, "recipients");
  // Not as_list(): these are texts, not objects.
  if (!recipients.is_list() || recipients.size() > most_recipients)
    throw Malformed{"recipients is not a list of the allowed length"};
  for (const JsonValue& item : recipients)
    out.recipients.push_back(as_string(item, "recipients", most_recipient_bytes));
  if (const JsonValue* v = find(in, "message")) out.message = as_string(*v, "message", most_share_message_bytes);
  if (const JsonValue* v = find(in, "expire")) out.expire = as_seconds(*v, "expire");
  if (const JsonValue* v = find(in, "downloads")) out.downloads = as_number(*v, "downloads");
  if (const JsonValue* v = find(in, "notify")) out.notify = as_truth(*v, "notify");
  if (const JsonValue* v = find(in, "again")) out.again = as_truth(*v, "again");
  if (const JsonValue* v = find(in, "key")) out.key = as_string(*v, "key", most_key_bytes);
}

void read(const JsonValue& in, ShareInfo& out) {
  out.share = as_id(need(in, "share"), "share");
  // A little more than a recipient may have: to_text() puts the scheme before it.
  out.to = as_string(need(in, "to"), "to", most_recipient_bytes + 16);
  out.link = as_string(need(in, "link"), "link");
  out.state = as_share_state(need(in, "state"));
  if (const JsonValue* v = find(in, "reason")) out.reason = as_string(*v, "reason");
  for (const JsonValue& item : as_list(need(in, "history"), "history")) {
    ShareEvent event;
    event.state = as_share_state(need(item, "state"));
    event.at = as_time(need(item, "at"), "at");
    if (const JsonValue* v = find(item, "reason")) event.reason = as_string(*v, "reason");
    out.history.push_back(std::move(event));
  }
  out.downloads = as_number(need(in, "downloads"), "downloads");
  out.limit = as_number(need(in, "limit"), "limit");
  out.expires = as_time(need(in, "expires"), "expires");
  if (const JsonValue* v = find(in, "fetching"))
    out.fetching = {as_number(need(*v, "bytes"), "bytes"), as_number(need(*v, "total"), "total")};
}

void read(const JsonValue& in, Shares& out) {
  out.seq = as_number(need(in, "seq"), "seq");
  for (const JsonValue& item : as_list(need(in, "shares"), "shares")) read(item, out.shares.emplace_back());
  if (const JsonValue* v = find(in, "next")) out.next = as_string(*v, "next", most_next_bytes);
}

void read(const JsonValue& in, ReportShare& out) {
  // The other states are the server's to set: queued when it is made, opened and downloaded by what its recipient does.
  out.state = as_share_state(need(in, "state"));
  switch (out.state) {
    case ShareState::sending:
    case ShareState::sent:
    case ShareState::failed:
    case ShareState::unknown:
      break;
    default:
      throw Malformed{"state is none of sending, sent, failed, unknown"};
  }
  if (const JsonValue* v = find(in, "reason")) out.reason = as_string(*v, "reason", most_reason_bytes);
  if (const JsonValue* v = find(in, "untried")) out.untried = as_truth(*v, "untried");
  if (out.untried && out.state != ShareState::failed) throw Malformed{"untried is allowed only with the state failed"};
}

void read(const JsonValue& in, SharedSpace& out) {
  out.label = as_string(need(in, "label"), "label");
  if (const JsonValue* v = find(in, "message")) out.message = as_string(*v, "message");
  out.expires = as_time(need(in, "expires"), "expires");
  out.downloads_left = as_number(need(in, "downloads_left"), "downloads_left");
  for (const JsonValue& item : as_list(need(in, "deliveries"), "deliveries"))
    out.deliveries.push_back(read_delivery(item));
  if (const JsonValue* v = find(in, "next")) out.next = as_string(*v, "next", most_next_bytes);
}

}  // namespace

std::string_view to_text(ShareState state) {
  switch (state) {
    case ShareState::queued:
      return "queued";
    case ShareState::sending:
      return "sending";
    case ShareState::sent:
      return "sent";
    case ShareState::failed:
      return "failed";
    case ShareState::unknown:
      return "unknown";
    case ShareState::opened:
      return "opened";
    case ShareState::downloaded:
      return "downloaded";
    case ShareState::revoked:
      break;
  }
  return "revoked";
}

std::optional<ShareState> share_state_from_text(std::string_view text) {
  for (const ShareState state : {ShareState::queued, ShareState::sending, ShareState::sent, ShareState::failed,
                                 ShareState::unknown, ShareState::opened, ShareState::downloaded, ShareState::revoked})
    if (text == to_text(state)) return state;
  return std::nullopt;
}

std::string to_json(const CreateShares& in) {
  json out = {{"recipients", in.recipients}};
  if (!in.message.empty()) out["message"] = in.message;
  if (in.expire) out["expire"] = in.expire->count();
  if (in.downloads > 0) out["downloads"] = in.downloads;
  if (in.notify) out["notify"] = true;
  if (in.again) out["again"] = true;
  if (!in.key.empty()) out["key"] = in.key;
  return dump(out);
}

std::string to_json(const Shares& in) {
  json shares = json::array();
  for (const ShareInfo& share : in.shares) shares.push_back(write(share));
  json out = {{"seq", in.seq}, {"shares", std::move(shares)}};
  if (!in.next.empty()) out["next"] = in.next;
  return dump(out);
}

std::string to_json(const ShareInfo& in) {
  return dump(write(in));
}

std::string to_json(const ReportShare& in) {
  json out = {{"state", to_text(in.state)}};
  if (!in.reason.empty()) out["reason"] = in.reason;
  if (in.untried) out["untried"] = true;
  return dump(out);
}

std::string to_json(const SharedSpace& in, const AddressOf& address_of) {
  json out = {{"label", in.label}, {"expires", to_rfc3339(in.expires)}, {"downloads_left", in.downloads_left}};
  if (!in.message.empty()) out["message"] = in.message;
  if (!in.next.empty()) out["next"] = in.next;
  return with_list_first("deliveries", write(in.deliveries, address_of), out);
}

template <class T>
Result<T> from_json(std::string_view text) {
  return read_message<T>(text, [](const JsonValue& in, T& out) { read(in, out); });
}

template Result<CreateShares> from_json(std::string_view);
template Result<Shares> from_json(std::string_view);
template Result<ShareInfo> from_json(std::string_view);
template Result<ReportShare> from_json(std::string_view);
template Result<SharedSpace> from_json(std::string_view);

}  // namespace qrx::wire
