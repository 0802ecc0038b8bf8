// The recipient's side: what a link opens, and what of it was taken.
#include <algorithm>

#include "base/text.h"
#include "space/live_shares.h"
#include "space/page_start.h"

namespace qrx::space {
namespace {

// A file that is taken in more pieces than this, with gaps between them, is not counted piece by piece any more.
constexpr std::size_t most_pieces = 1000;
// Files of one transfer that are recorded in one transaction: other changes wait meanwhile.
constexpr std::size_t files_at_once = 500;

// Smaller files are not resumed but taken again.
constexpr std::uint64_t least_resumed = 1U << 20;
constexpr std::uint64_t recorded_ahead = 64U << 20;

tl::unexpected<Error> no_such_link() {
  return fail(Kind::not_found, "no such link");
}
tl::unexpected<Error> used_up() {
  return fail(Kind::gone, "this link has been used up");
}

// Committed files in the order in which they became visible.
// Of a file by a limited link, as many times its bytes are sent for each download that it allows: broken off downloads
// are begun again, by who cannot go on.
constexpr std::uint64_t sent_for_each_download = 2;

std::vector<std::uint32_t> visible_files(const SpaceState& state) {
  std::vector<const DeliveryRow*> committed;
  for (const DeliveryRow& delivery : state.deliveries)
    if (delivery.committed) committed.push_back(&delivery);
  std::stable_sort(committed.begin(), committed.end(),
                   [](const DeliveryRow* a, const DeliveryRow* b) { return *a->committed < *b->committed; });
  std::unordered_map<Id, std::uint32_t, IdHash> place;
  for (const DeliveryRow* delivery : committed)
    place.emplace(delivery->delivery, static_cast<std::uint32_t>(place.size()));
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  for (std::uint32_t at = 0; at < state.files.size(); ++at)
    if (const auto delivery = place.find(state.files[at].delivery); delivery != place.end())
      found.emplace_back(delivery->second, at);
  std::sort(found.begin(), found.end());
  std::vector<std::uint32_t> files;
  files.reserve(found.size());
  for (const auto& [delivery, at] : found) files.push_back(at);
  return files;
}

Transfer::Leg whole(const FileRow& file) {
  return {file.file, file.size, 0, file.size};
}

void add(Parts& parts, const Transfer::Leg& leg) {
  if (leg.size == 0)
    parts.add_whole();
  else
    parts.add(leg.first, leg.bytes);
}

}  // namespace

Result<ShareRules::Found> ShareRules::find(std::string_view link) {
  const auto token = Token::parse(to_lower_ascii(link));
  if (!token) return no_such_link();
  auto row = rules.catalog.share_of_link(sha256(as_bytes(token->text())));
  if (!row) return tl::unexpected(row.error());
  if (!*row) return no_such_link();
  if ((*row)->revoked) return fail(Kind::gone, "this link was taken back");
  auto space = rules.enter_by_token((*row)->guid);
  if (!space && space.error().kind == Kind::gone) return fail(Kind::gone, "this link has expired");
  if (!space && space.error().kind == Kind::not_found) return no_such_link();
  if (!space) return tl::unexpected(space.error());
  const WallTime expires = ends(**row, **space);
  if (expires <= rules.clock.wall()) return fail(Kind::gone, "this link has expired");
  return Found{std::move(**row), std::move(*space), expires};
}

LiveSharePtr ShareRules::live(const ShareRow& row) {
  const std::lock_guard lock(lives_mutex);
  if (lives.size() >= prune_at) {
    std::erase_if(lives, [](const auto& entry) { return entry.second.expired(); });
    prune_at = std::max<std::size_t>(64, lives.size() * 2);
  }
  auto& known = lives[row.share];
  if (auto found = known.lock()) return found;
  auto made = std::make_shared<LiveShare>(row.share, row.guid, row.limit);
  made->files_taken = row.files_taken;
  known = made;
  return made;
}

void ShareRules::cut(const Id& share) {
  const std::lock_guard lock(lives_mutex);
  if (const auto known = lives.find(share); known != lives.end())
    if (const auto found = known->second.lock()) found->cut = true;
}

Result<void> ShareRules::mark_opened(const Found& found) {
  if (found.row.progress != Progress::none) return {};
  bool changed = false;
  auto done = rules.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    changed = false;
    auto row = transaction.share(found.row.share);
    if (!row || row->progress != Progress::none) return {};
    row->progress = Progress::opened;
    note(*row, wire::ShareState::opened, rules.clock.wall(), {});
    transaction.put_share(*row);
    changed = true;
    return {};
  });
  if (done && changed) rules.touch(*found.space);
  return done;
}

Result<void> ShareRules::take_off(LiveShare& live, const std::vector<Transfer::Leg>& legs) {
  if (live.limit == 0) return {};
  const std::lock_guard lock(live.mutex);
  std::size_t flying = 0;
  const auto admitted = [&]() -> Result<void> {
    for (const Transfer::Leg& leg : legs) {
      auto known = live.files.find(leg.file);
      if (known == live.files.end()) {
        auto row = rules.catalog.share_file(live.share, leg.file);
        if (!row) return tl::unexpected(row.error());
        known =
            live.files
                .emplace(leg.file, LiveShare::File{*row ? Parts::parse((*row)->parts, leg.size) : Parts(leg.size), {}})
                .first;
      }
      LiveShare::File& file = known->second;
      file.flights.push_back(leg);
      ++flying;
      if (file.taken.least() >= live.limit) return used_up();
      // If all that is on its way arrives, the file has been taken this often.
      Parts then = file.taken;
      for (auto flight = file.flights.begin(); flight != std::prev(file.flights.end()); ++flight) add(then, *flight);
      const bool only_what_is_missing = then.most(leg.first, leg.bytes) < live.limit;
      add(then, leg);
      if (then.least() > live.limit) return fail(Kind::locked, "the last download of this link is going on just now");
      // What is broken off counts nothing, but is not given without end either.
      if (then.sum() > sent_for_each_download * live.limit * std::max<std::uint64_t>(leg.size, 1) &&
          !only_what_is_missing)
        return fail(Kind::gone,
                    "this link was downloaded too often without its end: only what is missing can be taken");
      if (then.pieces() > most_pieces)
        return fail(Kind::denied, "this file is taken in too many pieces: take it as a whole");
    }
    return {};
  }();
  if (admitted) return {};
  for (std::size_t at = 0; at < flying; ++at) {
    const auto file = live.files.find(legs[at].file);
    file->second.flights.pop_back();  // ours: the mutex is held since it was added
    if (file->second.flights.empty()) live.files.erase(file);
  }
  return admitted;
}

void ShareRules::land(LiveShare& live, const std::vector<Transfer::Leg>& legs, const std::vector<Transfer::Leg>& taken,
                      std::uint64_t ahead) {
  if (!taken.empty()) (void)record(live, taken, ahead);
  if (live.limit == 0) return;
  const std::lock_guard lock(live.mutex);
  for (const Transfer::Leg& leg : taken)
    if (const auto file = live.files.find(leg.file); file != live.files.end()) add(file->second.taken, leg);
  for (const Transfer::Leg& leg : legs) {
    const auto file = live.files.find(leg.file);
    if (file == live.files.end()) continue;
    auto& flights = file->second.flights;
    const auto ours = std::find_if(flights.begin(), flights.end(), [&](const Transfer::Leg& one) {
      return one.first == leg.first && one.bytes == leg.bytes;
    });
    if (ours != flights.end()) flights.erase(ours);
    if (flights.empty()) live.files.erase(file);
  }
}

Result<void> ShareRules::record_ahead(LiveShare& live, const Transfer::Leg& leg, std::uint64_t from,
                                      std::uint64_t until) {
  return rules.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    if (!transaction.share(live.share)) return no_such_share();
    auto file = transaction.share_file(live.share, leg.file);
    if (!file) file = ShareFileRow{live.share, leg.file, live.guid, 0, {}};
    Parts parts = Parts::parse(file->parts, leg.size);
    parts.add(leg.first + from, until - from);
    file->parts = parts.text();
    transaction.put_share_file(*file);
    return {};
  });
}

Result<void> ShareRules::record(LiveShare& live, const std::vector<Transfer::Leg>& taken, std::uint64_t ahead) {
  const auto held_now = files_held(live.guid, live.files_taken + taken.size());
  if (!held_now) return tl::unexpected(held_now.error());
  bool changed = false;
  bool counted = false;
  for (std::size_t begin = 0; begin < taken.size(); begin += files_at_once) {
    const std::size_t end = std::min(taken.size(), begin + files_at_once);
    std::uint64_t files_taken = 0;
    bool shows = false;
    bool counts = false;
    auto done = rules.catalog.change(
        live.limit > 0 ? rules.durable() : Durability::lazy, [&](Transaction& transaction) -> Result<void> {
          shows = counts = false;
          auto row = transaction.share(live.share);
          if (!row) return no_such_share();  // gone with its space
          for (std::size_t at = begin; at < end; ++at) {
            const Transfer::Leg& leg = taken[at];
            auto file = transaction.share_file(live.share, leg.file);
            if (!file) file = ShareFileRow{live.share, leg.file, live.guid, 0, {}};
            Parts parts = Parts::parse(file->parts, leg.size);
            if (ahead > leg.bytes)
              parts.take_back(leg.first + leg.bytes, ahead - leg.bytes);
            else if (ahead > 0)
              parts.add(leg.first + ahead, leg.bytes - ahead);
            else
              add(parts, leg);
            if (parts.pieces() > most_pieces && live.limit == 0) parts.flatten();
            if (file->taken == 0 && parts.least() > 0) ++row->files_taken;
            counts = counts || parts.least() > file->taken;
            file->taken = std::max(file->taken, parts.least());
            file->parts = parts.text();
            transaction.put_share_file(*file);
          }
          files_taken = row->files_taken;
          if (row->progress != Progress::downloaded && files_taken > 0 && files_taken >= *held_now) {
            row->progress = Progress::downloaded;
            note(*row, wire::ShareState::downloaded, rules.clock.wall(), {});
            shows = true;
          }
          if (shows || counts) transaction.put_share(*row);
          return {};
        });
    if (!done) return done;
    live.files_taken = files_taken;
    changed = changed || shows;
    counted = counted || counts;
  }
  if (counted && live.files_taken >= *held_now)
    if (const auto least = rules.catalog.least_taken(live.share); least && live.shown_least.exchange(*least) != *least)
      changed = true;
  if (!changed) return {};
  if (auto space = rules.find(live.guid); space && *space != nullptr) rules.touch(**space);
  return {};
}

Transfer::Transfer(ShareRules& rules, std::shared_ptr<LiveShare> live, std::vector<Leg> legs)
    : rules_(rules), live_(std::move(live)), legs_(std::move(legs)) {}

Transfer::~Transfer() {
  if (completed_) return;
  std::vector<Leg> taken;
  // Never its last byte: who goes on has to take that again, and until then nothing counts.
  if (legs_.size() == 1 && legs_[0].bytes > 0) {
    Leg leg = legs_[0];
    leg.bytes = std::min(handed_, leg.bytes - 1);
    if (leg.bytes + ahead_ > 0) taken.push_back(leg);
  }
  rules_.land(*live_, legs_, taken, ahead_);
  settle();
}

void Transfer::handed(std::uint64_t bytes) {
  handed_ = bytes;
  const Leg& leg = legs_.front();
  if (leg.size < least_resumed || bytes <= ahead_ || leg.bytes <= ahead_ + 1) return;
  const std::uint64_t until = std::min(leg.bytes - 1, std::max(bytes, ahead_ + recorded_ahead));
  if (rules_.record_ahead(*live_, leg, ahead_, until)) ahead_ = until;
}

void Transfer::handed_all() {
  if (settling_) return;
  settling_ = true;
  ++live_->settling;
  ++rules_.settling;
}

// Tells those who wait for it; nothing has changed for anyone else.
void Transfer::settle() {
  if (!settling_) return;
  settling_ = false;
  --live_->settling;
  --rules_.settling;
  rules_.rules.events.space_changed(live_->guid);
}

bool Transfer::is_cut() const {
  return live_->cut.load(std::memory_order_relaxed);
}

void Transfer::completed() {
  if (completed_) return;
  completed_ = true;
  rules_.land(*live_, legs_, legs_, ahead_);
  settle();
}

bool Shares::is_settling(const Guid& guid) const {
  if (rules_->settling == 0) return false;
  const std::lock_guard lock(rules_->lives_mutex);
  return std::any_of(rules_->lives.begin(), rules_->lives.end(), [&](const auto& entry) {
    const auto live = entry.second.lock();
    return live && live->guid == guid && live->settling > 0;
  });
}

std::optional<Guid> Shares::is_settling(std::string_view link) const {
  if (rules_->settling == 0) return std::nullopt;
  const auto found = rules_->find(link);
  if (!found) return std::nullopt;
  const std::lock_guard lock(rules_->lives_mutex);
  const auto known = rules_->lives.find(found->row.share);
  const auto live = known == rules_->lives.end() ? nullptr : known->second.lock();
  return live && live->limit > 0 && live->settling > 0 ? std::optional(live->guid) : std::nullopt;
}

Result<Shares::Opened> Shares::open(std::string_view link) {
  auto found = rules_->find(link);
  if (!found) return tl::unexpected(found.error());
  auto state = rules_->rules.catalog.space(found->row.guid);
  if (!state) return tl::unexpected(state.error());
  if (*state == nullptr) return no_such_link();
  Opened out;
  out.label = (*state)->space.label;
  out.message = found->row.message;
  out.expires = found->expires;
  out.space = std::move(*state);
  out.files = visible_files(*out.space);
  auto left = rules_->downloads_left(found->row, out.files.size());
  if (!left) return tl::unexpected(left.error());
  out.downloads_left = *left;
  return out;
}

Result<std::uint64_t> ShareRules::downloads_left(const ShareRow& row, std::uint64_t files) const {
  if (row.limit == 0) return 0;
  std::uint64_t least = 0;
  if (files > 0 && row.files_taken >= files) {
    const auto taken = rules.catalog.least_taken(row.share);
    if (!taken) return tl::unexpected(taken.error());
    least = *taken;
  }
  if (least >= row.limit) return used_up();
  return row.limit - least;
}

Result<Shares::Look> Shares::look(std::string_view link, const PageStart& from, const PageSize& size) {
  auto found = rules_->find(link);
  if (!found) return tl::unexpected(found.error());
  Catalog& catalog = rules_->rules.catalog;
  std::uint64_t files = 0;
  if (found->row.limit > 0 && found->row.files_taken > 0) {
    const auto counted = catalog.committed_files(found->row.guid);
    if (!counted) return tl::unexpected(counted.error());
    files = *counted;
  }
  const auto left = rules_->downloads_left(found->row, files);
  if (!left) return tl::unexpected(left.error());
  auto page = catalog.committed(found->row.guid, from, size);
  if (!page) return tl::unexpected(page.error());
  Look out{{}, found->row.message, found->expires, *left, infos_of(std::move(page->deliveries)), {}};
  if (page->next) out.next = to_text(*page->next);
  const std::lock_guard lock(found->space->mutex);
  out.label = found->space->row.label;
  return out;
}

Result<void> Shares::opened(std::string_view link) {
  auto found = rules_->find(link);
  if (!found) return tl::unexpected(found.error());
  return rules_->mark_opened(*found);
}

Result<std::shared_ptr<Content>> Shares::content(std::string_view link, const Id& file) {
  auto found = rules_->find(link);
  if (!found) return tl::unexpected(found.error());
  auto row = rules_->rules.catalog.file(file);
  if (!row) return tl::unexpected(row.error());
  if (!*row || (*row)->guid != found->row.guid) return no_such_link();
  {
    const std::lock_guard lock(found->space->mutex);
    if (found->space->open.contains((*row)->delivery)) return no_such_link();
  }
  return open_stored(rules_->rules, **row);
}

Result<std::shared_ptr<Content>> Shares::stored(const FileRow& file) {
  return open_stored(rules_->rules, file);
}

Result<std::unique_ptr<Transfer>> Shares::begin(std::string_view link, const FileRow& file, std::uint64_t first,
                                                std::uint64_t bytes) {
  auto found = rules_->find(link);
  if (!found) return tl::unexpected(found.error());
  LiveSharePtr live = rules_->live(found->row);
  const std::vector<Transfer::Leg> legs{{file.file, file.size, first, bytes}};
  if (auto off = rules_->take_off(*live, legs); !off) return tl::unexpected(off.error());
  auto transfer = std::make_unique<Transfer>(*rules_, std::move(live), legs);
  // Only now: a revocation that came before this finds the transfer in neither place otherwise.
  if (auto still = rules_->find(link); !still) return tl::unexpected(still.error());
  (void)rules_->mark_opened(*found);
  return transfer;
}

Result<std::vector<std::uint32_t>> Shares::left(std::string_view link, const Opened& opened) {
  auto found = rules_->find(link);
  if (!found) return tl::unexpected(found.error());
  if (found->row.limit == 0) return opened.files;
  auto rows = rules_->rules.catalog.share_files(found->row.share);
  if (!rows) return tl::unexpected(rows.error());
  std::unordered_set<Id, IdHash> gone;
  for (const ShareFileRow& row : *rows)
    if (row.taken >= found->row.limit) gone.insert(row.file);
  std::vector<std::uint32_t> files;
  for (const std::uint32_t at : opened.files)
    if (!gone.contains(opened.space->files[at].file)) files.push_back(at);
  if (files.empty() && !opened.files.empty()) return used_up();
  return files;
}

Result<std::unique_ptr<Transfer>> Shares::begin_all(std::string_view link, const Opened& opened,
                                                    const std::vector<std::uint32_t>& files) {
  auto found = rules_->find(link);
  if (!found) return tl::unexpected(found.error());
  LiveSharePtr live = rules_->live(found->row);
  std::vector<Transfer::Leg> legs;
  legs.reserve(files.size());
  for (const std::uint32_t at : files) legs.push_back(whole(opened.space->files[at]));
  if (auto off = rules_->take_off(*live, legs); !off) return tl::unexpected(off.error());
  auto transfer = std::make_unique<Transfer>(*rules_, std::move(live), std::move(legs));
  if (auto still = rules_->find(link); !still) return tl::unexpected(still.error());
  (void)rules_->mark_opened(*found);
  return transfer;
}

}  // namespace qrx::space
