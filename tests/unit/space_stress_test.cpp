// Everything at once: whatever succeeds is whole, whatever fails leaves nothing.
#include "unit/catch.h"

#include <set>
#include <thread>

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

namespace {

constexpr unsigned senders = 3, rounds_of_a_sender = 25, slots = 4, rounds_of_the_owner = 8;

// How often what succeeded.
struct Done {
  std::atomic<unsigned> sent{0}, put{0}, committed{0}, cancelled{0}, begun{0}, written{0}, taken_back{0}, seen{0},
      read{0};
};

struct Committed {
  Guid guid;
  Id delivery;
  std::set<std::string> files;
};

// The bytes of a file follow from its name and tell it from all others.
std::string bytes_of(const std::string& name, std::size_t size) {
  std::string out;
  while (out.size() < size) out += name + '/';
  out.resize(size);
  return out;
}

struct Crowd {
  Crowd() : world({.upload_expire = Seconds(100)}) {
    for (unsigned i = 0; i < slots; ++i) created.push_back(*fresh());
  }
  space::Created any(unsigned number) {
    const std::lock_guard lock(mutex);
    return created[number % created.size()];
  }
  // Never empty, so that there is always something to read.
  std::optional<space::Created> fresh() {
    const auto made = world.spaces->create({});
    if (!made || !send(made->space.guid, "first", 500)) return std::nullopt;
    return *made;
  }
  bool send(const Guid& guid, const std::string& name, std::size_t size) {
    const auto file = world.send(guid, name, bytes_of(name, size));
    if (file) note({guid, file->delivery, {name}});
    return file.has_value();
  }
  void note(Committed one) {
    const std::lock_guard lock(mutex);
    committed.push_back(std::move(one));
  }

  void send_one(unsigned sender, unsigned i) {
    const Guid guid = any(i + sender).space.guid;
    const std::string mark = std::to_string(sender) + "-" + std::to_string(i);
    done.sent += send(guid, "lone" + mark, 1000 * sender + i) ? 1 : 0;
    deliver(guid, mark, i % 3 == 0);
    const auto upload = world.spaces->create_upload(guid, new_upload("cut", 100));
    if (!upload) return;
    ++done.begun;
    if (auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt))
      done.written += (*writer)->write(as_bytes("half")) ? 1 : 0;
    if (i % 2 == 0) done.taken_back += world.spaces->remove_upload(guid, upload->upload) ? 1 : 0;
  }
  void deliver(const Guid& guid, const std::string& mark, bool cancel) {
    const auto delivery = world.spaces->open_delivery(guid, {});
    if (!delivery) return;
    Committed whole{guid, delivery->delivery, {}};
    for (int file = 0; file < 4; ++file) {
      const std::string name = "small" + mark + "-" + std::to_string(file);
      if (!world.spaces->put_small(guid, delivery->delivery, name, as_bytes(bytes_of(name, name.size() * 2)))) continue;
      ++done.put;
      whole.files.insert(name);
    }
    if (cancel) {
      done.cancelled += world.spaces->cancel(guid, delivery->delivery) ? 1 : 0;
    } else if (world.spaces->commit(guid, delivery->delivery, {.files = whole.files.size()})) {
      ++done.committed;
      note(std::move(whole));
    }
  }
  void look(const space::Created& of) {
    const auto info = world.spaces->view(of.space.guid, of.token.text());
    if (!info) return;  // removed meanwhile
    ++done.seen;
    for (const auto& delivery : info->deliveries)
      for (const auto& file : delivery.files) {
        const auto content = world.spaces->content(of.space.guid, of.token.text(), file.file);
        if (!content) continue;
        std::string bytes(file.size, '\0');
        bytes.resize((*content)->read_at(0, std::as_writable_bytes(std::span(bytes))).value_or(0));
        ++(bytes == bytes_of(file.name, file.size) ? done.read : torn);
      }
  }
  // An owner who deletes, one who forgets, and the sweeper after both.
  void replace(unsigned i) {
    const auto brief = world.spaces->create(expiring_in(Seconds(60)));
    const auto lasting = fresh();
    if (!brief || !lasting || !world.send(brief->space.guid, "brief", "bytes")) return;
    if (!world.spaces->create_upload(lasting->space.guid, new_upload("never begun", 10))) return;
    space::Created old;
    {
      const std::lock_guard lock(mutex);
      old = std::exchange(created[i % created.size()], *lasting);
    }
    replaced += world.spaces->remove(old.space.guid, old.token.text()) ? 1 : 0;
    world.clock.pass(Seconds(61));
    const auto once = world.spaces->sweep();
    if (!once) return;
    swept.spaces += once->spaces;
    swept.uploads += once->uploads;
  }

  World world;
  std::mutex mutex;
  std::vector<space::Created> created;  // by the mutex
  std::vector<Committed> committed;     // by the mutex
  Done done;
  std::atomic<unsigned> torn{0};  // files with other bytes than theirs
  unsigned replaced = 0;
  space::Spaces::Swept swept;
};

}  // namespace

TEST_CASE("senders, receivers, owners who delete and the sweeper do not disturb each other") {
  Crowd crowd;
  World& world = crowd.world;
  std::vector<std::thread> threads;
  for (unsigned sender = 0; sender < senders; ++sender)
    threads.emplace_back([&, sender] {
      for (unsigned i = 0; i < rounds_of_a_sender; ++i) crowd.send_one(sender, i);
    });
  threads.emplace_back([&] {
    for (unsigned i = 0; i < 60; ++i) crowd.look(crowd.any(i));
  });
  threads.emplace_back([&] {
    for (unsigned i = 0; i < rounds_of_the_owner; ++i) crowd.replace(i);
  });
  for (std::thread& thread : threads) thread.join();

  const Done& done = crowd.done;
  for (const auto* count : {&done.sent, &done.put, &done.committed, &done.cancelled, &done.begun, &done.written,
                            &done.taken_back, &done.seen, &done.read})
    CHECK(*count > 0);
  CHECK(crowd.torn == 0);
  CHECK(crowd.replaced == rounds_of_the_owner);
  CHECK(crowd.swept.spaces == rounds_of_the_owner);
  CHECK(crowd.swept.uploads > 0);
  CHECK(world.catalog->totals()->spaces == slots);
  std::string told;
  const auto checked = world.spaces->check([&](const std::string& line) { told += line + "\n"; });
  REQUIRE(checked);
  INFO(told);
  CHECK(checked->missing + checked->corrupt + checked->orphans == 0);
  CHECK(world.files_in("quarantine") == 0);

  // What was committed is there, with its bytes, and nothing else is.
  for (const auto& one : crowd.created) {
    std::map<Id, std::set<std::string>> expected, found;
    for (const Committed& delivery : crowd.committed)
      if (delivery.guid == one.space.guid) expected[delivery.delivery] = delivery.files;
    for (const auto& delivery : world.view(one).deliveries)
      for (const auto& file : delivery.files) {
        found[delivery.delivery].insert(file.name);
        CHECK(world.read(one, file.file) == bytes_of(file.name, file.size));
      }
    CHECK(found == expected);
  }
  // What is counted is what is there.
  for (const auto& one : crowd.created) REQUIRE(world.spaces->remove(one.space.guid, one.token.text()));
  CHECK(world.files_in("blobs") + world.files_in("staging") == 0);
  CHECK(world.catalog->totals()->bytes == 0);
}
