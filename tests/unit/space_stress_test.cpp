// Everything at once: whatever succeeds is whole, whatever fails leaves nothing.
#include <catch2/catch.hpp>

#include <thread>

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("senders, receivers, owners who delete and the sweeper do not disturb each other") {
  World world;
  std::mutex mutex;
  std::vector<space::Created> created;
  for (int i = 0; i < 4; ++i) created.push_back(world.create());
  const auto any = [&](unsigned number) {
    const std::lock_guard lock(mutex);
    return created[number % created.size()];
  };
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 3; ++thread)
    threads.emplace_back([&, thread] {
      for (unsigned i = 0; i < 25; ++i) {
        const Guid guid = any(i + thread).space.guid;
        (void)world.send(guid, "lone" + std::to_string(i), std::string(1000 * thread + i, 'x'));
        const auto delivery = world.spaces->open_delivery(guid, {});
        if (!delivery) continue;
        for (int file = 0; file < 4; ++file)
          (void)world.spaces->put_small(guid, delivery->delivery, std::to_string(file), as_bytes(std::to_string(i)));
        if (i % 3 == 0)
          (void)world.spaces->cancel(guid, delivery->delivery);
        else
          (void)world.spaces->commit(guid, delivery->delivery, {});
        const auto upload = world.spaces->create_upload(guid, new_upload("cut", 100));
        if (!upload) continue;
        if (auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt))
          (void)(*writer)->write(as_bytes("half"));
        if (i % 2 == 0) (void)world.spaces->remove_upload(guid, upload->upload);
      }
    });
  threads.emplace_back([&] {
    for (unsigned i = 0; i < 60; ++i) {
      const auto one = any(i);
      const auto info = world.spaces->view(one.space.guid, one.token.text());
      if (!info) continue;
      for (const auto& delivery : info->deliveries)
        for (const auto& file : delivery.files)
          (void)world.spaces->content(one.space.guid, one.token.text(), file.file);
    }
  });
  threads.emplace_back([&] {
    for (unsigned i = 0; i < 8; ++i) {
      const auto fresh = world.spaces->create({});
      if (!fresh) continue;
      space::Created old;
      {
        const std::lock_guard lock(mutex);
        old = std::exchange(created[i % created.size()], *fresh);
      }
      (void)world.spaces->remove(old.space.guid, old.token.text());
      (void)world.spaces->sweep();
    }
  });
  for (std::thread& thread : threads) thread.join();

  CHECK(world.catalog->totals()->spaces == 4);
  std::string told;
  const auto checked = world.spaces->check([&](const std::string& line) { told += line + "\n"; });
  REQUIRE(checked);
  INFO(told);
  CHECK(checked->missing + checked->corrupt + checked->orphans == 0);
  CHECK(world.files_in("quarantine") == 0);
  // What is counted is what is there.
  for (const auto& one : created) {
    const auto before = world.spaces->drop(one.space.guid);
    REQUIRE(before);
    (void)world.spaces->remove(one.space.guid, one.token.text());
  }
  CHECK(world.files_in("blobs") == 0);
  CHECK(world.catalog->totals()->bytes == 0);
}
