#include "receive/kept_lists.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "api/owner_client.h"
#include "api/refusals.h"
#include "base/private_files.h"
#include "base/running_sums.h"
#include "receive/age_decryptor.h"
#include "receive/counted_file.h"
#include "wire/limits.h"

namespace qrx::receive {
namespace {

constexpr std::string_view ending = ".list";
// The first line; what follows is the message, or the sealed list without its last byte.
constexpr std::string_view of_text = "qrx-list 1 text ", of_message = "qrx-list 1 message ", unsealed = "plain";
constexpr std::uint64_t most_list_bytes = wire::most_manifest_bytes + 100;

std::string path_of(const ReceiveJob& job, const std::string& delivery) {
  return job.options.state_dir + "/" + job.link.name.text() + "." + delivery + std::string(ending);
}

std::string kept_form(const DeliveryContents& contents) {
  std::string out(is_text(contents.shown) ? of_text : of_message);
  if (!contents.list) return out + std::string(unsealed) + "\n" + contents.shown.message;
  out += to_hex(contents.list->xxh128) + "\n";
  return out.append(contents.sealed_list, 0, contents.sealed_list.size() - 1);
}

// Nothing when it cannot be opened.
std::optional<wire::Manifest> opened(const ReceiveJob& job, std::string sealed, const Xxh128Sum& sum,
                                     std::string& tag) {
  RunningSums sums(false);
  sums.update(as_bytes(sealed));
  const auto last = sums.xxh128().byte_to(sum);
  if (!last) return std::nullopt;
  sealed.push_back(static_cast<char>(*last));
  std::string text;
  std::optional<seal::Refusal> refusal;
  const auto arrived = open_whole(*job.options.identity, as_bytes(sealed), false, text, refusal);
  if (!arrived) return std::nullopt;
  tag = arrived->tag;
  auto manifest = wire::from_json<wire::Manifest>(text);
  return manifest ? std::optional(std::move(*manifest)) : std::nullopt;
}

std::optional<DeliveryContents> read_kept(const ReceiveJob& job, const Id& delivery, const std::string& path) {
  const auto kept = read_private_file(path, most_list_bytes);
  const auto end = kept ? kept->find('\n') : std::string::npos;
  if (end == std::string::npos) return std::nullopt;
  const std::string_view first = std::string_view(*kept).substr(0, end);
  const bool text = first.starts_with(of_text);
  if (!text && !first.starts_with(of_message)) return std::nullopt;
  const std::string_view how = first.substr(text ? of_text.size() : of_message.size());
  DeliveryContents out;
  out.shown.delivery = delivery;
  if (!text) out.shown.files.emplace_back();  // whatever they are: it is not a text alone
  if (how == unsealed) {
    out.shown.message = kept->substr(end + 1);
    return out;
  }
  const auto sum = api::sum_from_hex(how);
  if (!sum) return std::nullopt;
  if (!job.options.identity) {
    job.tally.notice(
        "an earlier run had downloaded an encrypted message, and the link came without its key: copy the "
        "whole link, with all that follows the #");
    return std::nullopt;
  }
  auto manifest = opened(job, kept->substr(end + 1), *sum, out.manifest_tag);
  if (!manifest) return std::nullopt;
  out.shown.message = std::move(manifest->message);
  return out;
}

std::vector<DeliveryContents> read_all(const ReceiveJob& job) {
  std::vector<DeliveryContents> out;
  if (job.options.state_dir.empty()) return out;
  const std::string front = job.options.state_dir + "/" + job.link.name.text() + ".";
  for (const std::string& path : entries_of(job.options.state_dir)) {
    if (!path.starts_with(front) || !path.ends_with(ending)) continue;
    if (path.size() < front.size() + ending.size()) continue;
    const auto delivery = Id::parse(path.substr(front.size(), path.size() - front.size() - ending.size()));
    if (!delivery) continue;
    if (auto contents = read_kept(job, *delivery, path)) out.push_back(std::move(*contents));
  }
  return out;
}

}  // namespace

Result<void> count_list(const ReceiveJob& job, const DeliveryContents& contents) {
  if (!job.limited) return {};
  const bool keeps = !job.options.state_dir.empty() && !contents.shown.message.empty();
  const std::string path = path_of(job, contents.shown.delivery.text());
  // By an earlier run, which may have asked for the last byte.
  const bool kept_before = keeps && read_private_file(path, most_list_bytes).has_value();
  // A text that is not sealed is in a list that does not count.
  if (keeps && (contents.list || !is_text(contents.shown)) && make_private_directories(job.options.state_dir))
    static_cast<void>(replace_private_file(path, kept_form(contents)));
  if (!contents.list) return {};
  api::OwnerClient client(job.link, job.options.client);
  auto asked = ask_for_last_byte(job, client, *contents.list, kept_before);
  if (!asked && asked.error().kind == Kind::not_found) drop_list(job, contents.shown.delivery);
  return asked;
}

void drop_list(const ReceiveJob& job, const Id& delivery) {
  if (!job.options.state_dir.empty()) static_cast<void>(remove_private_file(path_of(job, delivery.text())));
}

bool tell_kept_lists(const ReceiveJob& job, std::vector<SavedDelivery>& named, const SaveText& save) {
  bool any = false;
  for (const DeliveryContents& kept : read_all(job)) {
    const auto with_files = std::find_if(
        named.begin(), named.end(), [&](const SavedDelivery& one) { return one.info.delivery == kept.shown.delivery; });
    if (with_files != named.end()) {
      // A text is that file.
      if (!is_text(kept.shown)) with_files->info.message = kept.shown.message;
      continue;
    }
    SavedDelivery out;
    out.info = kept.shown;
    if (is_text(kept.shown)) {
      auto saved = save(kept);
      if (!saved) {
        job.tally.notice(saved.error().what);
        continue;
      }
      out = std::move(*saved);
    }
    any = true;
    // What nobody could be shown stays for the next run, and so does what is not wanted now.
    if (job.tally.delivered(out) && out.later == 0) drop_list(job, kept.shown.delivery);
  }
  return any;
}

}  // namespace qrx::receive
