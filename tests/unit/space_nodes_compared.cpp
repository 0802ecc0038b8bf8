// Nodes: what is compared with what its clients know, while they work (limits, views, bytes) and at the end (catalog,
// disk).
#include <filesystem>

#include "unit/space_nodes.h"

namespace qrx::test {

void Nodes::check_limits(std::size_t at) const {
  const Place& place = places_[at];
  std::uint64_t bytes = 0, files = 0;
  const auto count = [&](std::size_t size) {
    bytes += size;
    ++files;
  };
  for (const auto& [delivery, names] : place.committed)
    for (const auto& [name, content] : names) count(content.size());
  for (const Handed& handed : handed_)
    if (handed.place == at && handed.state == Handed::State::open)
      for (const auto& [name, content] : handed.files) count(content.size());
  for (const Sent& sent : sent_)
    if (sent.place == at && sent.state == Sent::State::running && !sent.acked.empty()) count(sent.acked.size());
  must(place.max_size == 0 || bytes <= place.max_size, "more bytes than the space takes");
  must(place.max_files == 0 || files <= place.max_files, "more files than the space takes");
}

std::string Nodes::read(std::size_t at, const Id& file) {
  const Place& place = places_[at];
  auto content = node_of(at).content(place.created.space.guid, place.created.token.text(), file);
  if (!content) return "error: " + content.error().what;
  std::string out((*content)->available().bytes, '\0');
  out.resize((*content)->read_at(0, std::as_writable_bytes(std::span(out))).value_or(0));
  return out;
}

void Nodes::look(std::size_t at, space::Spaces& node) {
  Place& place = places_[at];
  const auto info = node.view(place.created.space.guid, place.created.token.text());
  if (!info) broken("a space is lost: " + info.error().what);
  must(info->seq >= place.seq, "the version fell");
  std::string state = info->state == wire::SpaceState::open ? "open " : "closed ";
  state += std::to_string(info->expires.time_since_epoch().count());
  std::map<Id, std::set<std::string>> there, expected;
  for (const auto& delivery : info->deliveries)
    for (const auto& file : delivery.files) there[delivery.delivery].insert(file.name);
  for (const auto& [delivery, files] : place.committed)
    for (const auto& [name, bytes] : files) expected[delivery].insert(name);
  must(there == expected, "other files are delivered than were committed");
  must((info->state == wire::SpaceState::closed) == place.closed, "it is not open, or not closed");
  for (const auto& [delivery, files] : there) state += ' ' + delivery.text();
  std::set<std::string> more;
  for (const auto& upload : info->uploads) more.insert(upload.upload.text());
  for (const auto& open : info->open) more.insert(open.delivery.text());
  for (const std::string& one : more) state += ' ' + one;
  const auto [known, is_new] = place.states.emplace(info->seq, state);
  must(is_new || known->second == state, "one version for two states: " + known->second + " | " + state);
  place.seq = info->seq;
}

void Nodes::compare_with_catalog(std::size_t at) {
  const auto state = catalog_->space(places_[at].created.space.guid);
  must(state && *state != nullptr, "a space has no row");
  space::Use use;
  std::set<Id> with_files;
  for (const space::FileRow& file : (*state)->files) {
    use.bytes += file.size;
    use.weight += space::weight_of(file.name);
    with_files.insert(file.delivery);
    const auto known = places_[at].committed.find(file.delivery);
    if (known == places_[at].committed.end()) continue;
    must(read(at, file.file) == known->second.at(file.name), "a file has other bytes than were sent");
  }
  for (const space::UploadRow& upload : (*state)->uploads) {
    use.bytes += upload.offset;
    if (upload.offset > 0) use.weight += space::weight_of(upload);
  }
  for (const space::DeliveryRow& delivery : (*state)->deliveries)
    if (delivery.committed) {
      use.weight += space::message_weight(delivery);
      if (!with_files.contains(delivery.delivery)) use.weight += space::text_weight;
    }
  must((*state)->space.use == use, "what is counted is not what there is");
}

void Nodes::compare_with_disk() {
  const auto checked = spaces_[0]->check([&](const std::string& line) { broken(line); });
  must(checked && checked->missing + checked->corrupt + checked->orphans == 0, "catalog and blobs differ");
  must(std::filesystem::is_empty(directory_ / "quarantine"), "a blob in use was taken for an orphan");
  const auto named = catalog_->blobs();
  const auto there = blobs_->list();
  must(named && there, "they cannot be listed");
  std::set<Id> rows(named->begin(), named->end()), files;
  for (const space::BlobUse& use : *there) files.insert(use.blob);
  for (const std::size_t at : alive(handed_, Handed::State::open)) files.erase(handed_[at].delivery);  // its pack
  must(files == rows, "the disk has other blobs than the rows name");
}

}  // namespace qrx::test
