#include "unit/space_nodes.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace qrx::test {
namespace {

using space::Spaces;

space::Policy policy_of_nodes(bool shared) {
  space::Policy policy;
  policy.relaxed = true;
  policy.shared = shared;
  policy.lock_wait = Millis(0);
  return policy;
}

}  // namespace

Nodes::Nodes(const Settings& settings) : settings_(settings), random_(settings.seed) {
  if (settings.open_catalog) {
    for (unsigned i = 0; i < node_count; ++i) catalogs_.push_back(settings.open_catalog());
  } else {
    auto opened = store::SqliteCatalog::open(directory_ / "catalog.db", {.relaxed = true});
    if (!opened) throw std::runtime_error(opened.error().what);
    catalogs_.push_back(std::move(*opened));
  }
  catalog_ = catalogs_.front().get();
  auto files = store::FileBlobs::open(directory_.text(), {.relaxed = true});
  if (!files) throw std::runtime_error(files.error().what);
  blobs_ = std::move(*files);
  for (unsigned i = 0; i < node_count; ++i) {
    spaces_[i] = std::make_unique<Spaces>(*catalogs_[i % catalogs_.size()], *blobs_, clock_, events_,
                                          policy_of_nodes(settings.anywhere));
    shares_[i] = std::make_unique<space::Shares>(*spaces_[i], space::SharePolicy{});
  }
  open_space();
}

Nodes::~Nodes() {
  takings_.clear();
  sessions_.clear();
}

unsigned Nodes::done(const std::string& what) const {
  const auto found = done_.find(what);
  return found == done_.end() ? 0 : found->second;
}

void Nodes::broken(const std::string& what) const {
  throw std::runtime_error("step " + std::to_string(steps_) + ", " + doing_ + ": " + what);
}

void Nodes::refused(const Error& error, std::initializer_list<Kind> kinds, const std::string& what) const {
  if (std::find(kinds.begin(), kinds.end(), error.kind) == kinds.end()) broken(what + ": " + error.what);
}

Spaces& Nodes::node_of(std::size_t place) {
  return *spaces_[settings_.anywhere ? any(node_count) : places_[place].home];
}

std::size_t Nodes::any_place() {
  std::vector<std::size_t> alive;
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (!places_[i].gone) alive.push_back(i);
  return alive[any(static_cast<unsigned>(alive.size()))];
}

void Nodes::step() {
  struct Choice {
    const char* name;
    unsigned weight;
    void (Nodes::*run)();
  };
  static constexpr std::array<Choice, 25> choices{{{"open a space", 1, &Nodes::open_space},
                                                   {"change a space", 2, &Nodes::change_space},
                                                   {"delete a space", 1, &Nodes::delete_space},
                                                   {"send a file", 3, &Nodes::send_one},
                                                   {"send a checked file", 2, &Nodes::send_checked},
                                                   {"send in parts", 2, &Nodes::send_in_parts},
                                                   {"begin an upload", 4, &Nodes::begin_upload},
                                                   {"begin to write", 6, &Nodes::begin_writing},
                                                   {"write", 8, &Nodes::write_more},
                                                   {"end a request", 6, &Nodes::end_writing},
                                                   {"ask for the offset", 4, &Nodes::ask_offset},
                                                   {"remove an upload", 1, &Nodes::remove_upload},
                                                   {"open a delivery", 2, &Nodes::open_delivery},
                                                   {"put a small file", 5, &Nodes::put_small},
                                                   {"commit", 3, &Nodes::commit},
                                                   {"cancel a delivery", 1, &Nodes::cancel},
                                                   {"look", 6, &Nodes::look},
                                                   {"download", 3, &Nodes::download},
                                                   {"clear a delivery", 1, &Nodes::clear},
                                                   {"share", 1, &Nodes::share},
                                                   {"revoke", 1, &Nodes::revoke},
                                                   {"begin to take", 3, &Nodes::begin_taking},
                                                   {"end taking", 3, &Nodes::end_taking},
                                                   {"let a space expire", 1, &Nodes::let_expire},
                                                   {"sweep", 1, &Nodes::sweep}}};
  unsigned total = 0;
  for (const Choice& one : choices) total += one.weight;
  unsigned drawn = any(total);
  ++steps_;
  clock_.pass(Millis(any(3)));
  for (const Choice& one : choices) {
    if (drawn < one.weight) {
      doing_ = one.name;
      (this->*one.run)();
      break;
    }
    drawn -= one.weight;
  }
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (!places_[i].gone) check_limits(i);
}

// --- spaces

void Nodes::open_space() {
  if (places_.size() >= 12) return;
  Place place;
  place.home = any(node_count);
  if (settings_.limits) {
    place.max_size = 200 + any(400);
    place.max_files = 2 + any(6);
  }
  auto created = spaces_[any(node_count)]->create(with_limits(place.max_size, place.max_files));
  if (!created) broken(created.error().what);
  place.created = *created;
  places_.push_back(std::move(place));
  ++done_[doing_];
}

void Nodes::change_space() {
  const std::size_t at = any_place();
  Place& place = places_[at];
  wire::ChangeSpace change;
  if (any(2) == 0) change.state = any(2) == 0 ? wire::SpaceState::open : wire::SpaceState::closed;
  if (!change.state || any(2) == 0) change.expire = Seconds(3600 + any(3600));
  const auto changed = node_of(at).extend(place.created.space.guid, place.created.token.text(), change);
  if (!changed) broken(changed.error().what);
  if (change.state) place.closed = *change.state == wire::SpaceState::closed;
  if (change.expire) place.created.space.expires = clock_.wall() + *change.expire;
  ++done_[doing_];
}

void Nodes::forget_place(std::size_t at) {
  places_[at].gone = true;
  for (Sent& sent : sent_)
    if (sent.place == at) sent.state = Sent::State::gone;
  for (Handed& handed : handed_)
    if (handed.place == at) handed.state = Handed::State::gone;
}

void Nodes::delete_space() {
  const auto here = std::count_if(places_.begin(), places_.end(), [](const Place& place) { return !place.gone; });
  if (here < 2) return;
  const std::size_t at = any_place();
  const space::Created& created = places_[at].created;
  const auto removed = node_of(at).remove(created.space.guid, created.token.text());
  if (!removed) broken(removed.error().what);
  forget_place(at);
  for (const auto& node : spaces_) {
    if (!settings_.anywhere && node != spaces_[places_[at].home]) continue;
    const auto seen = node->view(created.space.guid, created.token.text());
    must(!seen && seen.error().kind == Kind::not_found, "a deleted space is still there");
  }
  ++done_[doing_];
}

void Nodes::let_expire() {
  const auto here = std::count_if(places_.begin(), places_.end(), [](const Place& place) { return !place.gone; });
  if (here < 2) return;
  const std::size_t at = any_place();
  wire::ChangeSpace change;
  change.expire = Seconds(1);
  const space::Created& created = places_[at].created;
  const auto changed = node_of(at).extend(created.space.guid, created.token.text(), change);
  if (!changed) broken(changed.error().what);
  clock_.pass(Seconds(2));
  forget_place(at);
  for (const auto& node : spaces_) {
    if (!settings_.anywhere && node != spaces_[places_[at].home]) continue;
    const auto seen = node->view(created.space.guid, created.token.text());
    must(!seen && (seen.error().kind == Kind::gone || seen.error().kind == Kind::not_found), "it did not expire");
    must(!node->create_upload(created.space.guid, new_upload("late", 1)), "an expired space took an upload");
  }
  ++done_[doing_];
}

// --- who reads

void Nodes::look() {
  const std::size_t at = any_place();
  look(at, node_of(at));
  ++done_[doing_];
}

void Nodes::download() {
  const std::size_t at = any_place();
  const Place& place = places_[at];
  Spaces& node = node_of(at);
  auto page = catalog_->committed(place.created.space.guid, {}, {});
  if (!page || page->deliveries.empty()) return;
  const auto& delivery = page->deliveries[any(static_cast<unsigned>(page->deliveries.size()))];
  for (const space::FileRow& file : delivery.files) {
    const auto known = place.committed.find(delivery.row.delivery);
    must(known != place.committed.end() && known->second.contains(file.name), "nobody sent this file");
    const auto content = node.content(place.created.space.guid, place.created.token.text(), file.file);
    if (!content) broken("a file is lost: " + content.error().what);
    std::string bytes(file.size, '\0');
    bytes.resize((*content)->read_at(0, std::as_writable_bytes(std::span(bytes))).value_or(0));
    must(bytes == known->second.at(file.name),
         "a file has other bytes than were sent: " + file.name + " " + bytes + ", not " + known->second.at(file.name));
    ++done_[doing_];
  }
}

// What its receiver has goes, unless a link shares it; who sent it can ask for it as before.
void Nodes::clear() {
  const std::size_t at = any_place();
  Place& place = places_[at];
  if (place.committed.empty()) return;
  const Guid& guid = place.created.space.guid;
  const std::string token = place.created.token.text();
  const auto chosen = std::next(place.committed.begin(), any(static_cast<unsigned>(place.committed.size())));
  const Id delivery = chosen->first;
  if (any(4) != 0) {
    const auto said = node_of(at).record_receipt(guid, token, delivery, {wire::ReceiptState::saved, {}});
    if (!said) broken(said.error().what);
    place.saved.insert(delivery);
  }
  const auto shares_it = [&](const Link& link) { return link.place == at && !link.revoked; };
  const bool must_stay = !place.saved.contains(delivery) || std::any_of(links_.begin(), links_.end(), shares_it);
  const auto cleared = node_of(at).clear_delivery(guid, token, delivery);
  if (must_stay) return must(!cleared && cleared.error().kind == Kind::conflict, "what must stay was cleared");
  if (!cleared) broken(cleared.error().what);
  must(node_of(at).clear_delivery(guid, token, delivery).has_value(), "it cannot be cleared again");
  const std::size_t files = chosen->second.size();
  const auto committed = node_of(at).commit(guid, delivery, {files});
  must(committed && committed->committed && committed->files.size() == files, "its sender is told something else");
  const auto status = node_of(at).status(guid, delivery);
  must(status && status->receipt && status->receipt->saved == files, "its receipt is another one");
  const auto past = catalog_->past_files(delivery);
  for (const space::FileRow& file : *past) {
    const auto upload = node_of(at).upload(guid, file.file);
    must(upload && upload->offset == chosen->second.at(file.name).size(), "an upload is not complete any more");
  }
  place.committed.erase(chosen);
  ++done_[doing_];
}

// --- recipients

void Nodes::share() {
  const std::size_t at = any_place();
  if (places_[at].committed.empty() || links_.size() >= 10) return;
  Link link;
  link.place = at;
  link.limit = 1 + any(3);
  wire::CreateShares wish;
  wish.recipients = {"r" + std::to_string(links_.size()) + "@example.org"};
  wish.downloads = link.limit;
  wish.notify = false;
  const space::Created& created = places_[at].created;
  const auto made = shares_of(at).create(created.space.guid, created.token.text(), wish);
  if (!made) broken(made.error().what);
  link.link = made->shares.shares.at(0).token;
  link.share = made->shares.shares.at(0).share;
  links_.push_back(std::move(link));
  ++done_[doing_];
}

space::Shares& Nodes::shares_of(std::size_t place) {
  return *shares_[settings_.anywhere ? any(node_count) : places_[place].home];
}

void Nodes::revoke() {
  if (links_.empty()) return;
  Link& link = links_[any(static_cast<unsigned>(links_.size()))];
  if (places_[link.place].gone) return;
  const space::Created& created = places_[link.place].created;
  const auto revoked = shares_of(link.place).revoke(created.space.guid, created.token.text(), link.share);
  if (!revoked) broken(revoked.error().what);
  link.revoked = true;
  ++done_[doing_];
}

void Nodes::begin_taking() {
  if (links_.empty()) return;
  const std::size_t at = any(static_cast<unsigned>(links_.size()));
  const Link& link = links_[at];
  if (places_[link.place].gone) return;
  space::Shares& node = shares_of(link.place);
  const auto opened = node.open(link.link);
  must(!link.revoked || !opened, "a revoked link opens");
  if (!opened) return refused(opened.error(), {Kind::gone}, "the link does not open");
  if (opened->files.empty()) return;
  const std::uint32_t file = opened->files[any(static_cast<unsigned>(opened->files.size()))];
  const space::FileRow& row = opened->space->files[file];
  auto transfer = node.begin(link.link, row, 0, row.size);
  if (!transfer) return refused(transfer.error(), {Kind::gone, Kind::locked}, "it was not given");
  takings_.push_back({at, row.delivery.text() + row.name, std::move(*transfer)});
  ++done_[doing_];
}

void Nodes::end_taking() {
  if (takings_.empty()) return;
  const auto at = takings_.begin() + any(static_cast<unsigned>(takings_.size()));
  if (any(4) != 0) {
    at->transfer->handed_all();
    at->transfer->completed();
    Link& link = links_[at->link];
    if (!places_[link.place].gone) must(++link.taken[at->name] <= link.limit, "a file was taken too often");
    ++done_[doing_];
  }
  takings_.erase(at);
}

// --- housekeeping

void Nodes::sweep() {
  const auto swept = spaces_[any(node_count)]->sweep();
  if (!swept) broken(swept.error().what);
  must(swept->failures.empty(), swept->failures.empty() ? "" : swept->failures[0]);
  must(std::filesystem::is_empty(directory_ / "quarantine"), "a blob in use was taken for an orphan");
  ++done_[doing_];
}

// --- the end

void Nodes::finish() {
  doing_ = "the end";
  takings_.clear();
  for (Session& session : sessions_)
    if (session.writer) end_session(session);
  for (const std::size_t at : alive(sent_, Sent::State::running)) {
    if (!begin_writing(at)) continue;
    Session& last = sessions_.back();
    if (last.start + last.bytes.size() < sent_[at].length) write_into(last, sent_[at].length);
    end_session(last);
  }
  for (const std::size_t at : alive(handed_, Handed::State::open)) commit(at);
  for (const auto& node : spaces_) {
    const auto swept = node->sweep();
    must(swept && swept->failures.empty(), "a sweep failed");
  }
  for (std::size_t at = 0; at < places_.size(); ++at) {
    if (places_[at].gone) continue;
    for (const auto& node : spaces_)
      if (settings_.anywhere || node == spaces_[places_[at].home]) look(at, *node);
    compare_with_catalog(at);
  }
  compare_with_disk();
}

}  // namespace qrx::test
