// What the store alone can do, without HTTP: one line a figure. Usage: store_bench DIRECTORY [relaxed]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "space/spaces.h"
#include "store/file_blobs.h"
#include "store/sqlite_catalog.h"

using namespace qrx;

namespace {

class NoEvents final : public space::Events {
  void space_changed(const Guid&) override {}
  void upload_grew(const Id&) override {}
  void delivery_changed(const Id&) override {}
};

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "store_bench: %s\n", result.error().what.c_str());
  std::exit(1);
}

void must(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "store_bench: %s\n", result.error().what.c_str());
  std::exit(1);
}

void measure(const char* what, double amount, const char* unit, const std::function<void()>& run) {
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  run();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%-44s %8.3f s  CPU %6.3f s  %10.0f %s/s\n", what, seconds, cpu_seconds() - cpu, amount / seconds, unit);
}

void in_threads(unsigned count, const std::function<void(unsigned)>& run) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) threads.emplace_back(run, i);
  for (std::thread& thread : threads) thread.join();
}

space::NewUpload upload_of(std::string name, std::uint64_t length) {
  space::NewUpload wish;
  wish.name = std::move(name);
  wish.length = length;
  return wish;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: store_bench DIRECTORY [relaxed]\n"), 2;
  const bool relaxed = argc > 2 && std::string(argv[2]) == "relaxed";
  const std::string directory = std::string(argv[1]) + (relaxed ? "/relaxed" : "/durable");
  std::filesystem::create_directories(directory);
  auto catalog = must(store::SqliteCatalog::open(directory + "/catalog.db", {.relaxed = relaxed}));
  auto blobs = must(store::FileBlobs::open(directory, {.relaxed = relaxed}));
  NoEvents events;
  space::Policy policy;
  policy.relaxed = relaxed;
  space::Spaces spaces(*catalog, *blobs, system_clock(), events, policy);
  must(spaces.recover());
  const auto owner = must(spaces.create({}));
  const Guid guid = owner.space.guid;
  const std::string token = owner.token.text();
  std::printf("%s\n", relaxed ? "relaxed" : "durable");

  std::vector<std::byte> piece(256U << 10);
  for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<std::byte>(i * 2654435761U >> 13);
  constexpr std::uint64_t gib = 1U << 30;
  for (int round = 0; round < 3; ++round)
    measure("upload of 1 GiB in pieces of 256 KiB", 1024, "MiB", [&] {
      const auto upload = must(spaces.create_upload(guid, upload_of("big", gib)));
      auto writer = must(spaces.write(guid, upload.upload, 0, std::nullopt));
      for (std::uint64_t sent = 0; sent < gib; sent += piece.size()) must(writer->write(piece));
      must(writer->finish());
    });

  const ByteView small(piece.data(), 10U << 10);
  for (const unsigned threads : {1U, 16U})
    measure(threads == 1 ? "2,000 files of 10 KiB, one delivery, 1 thread" : "the same, 16 threads", 2000, "files",
            [&] {
              const auto delivery = must(spaces.open_delivery(guid, {}));
              in_threads(threads, [&](unsigned thread) {
                for (unsigned i = 0; i < 2000 / threads; ++i)
                  must(spaces.put_small(guid, delivery.delivery,
                                        "d/" + std::to_string(thread) + "-" + std::to_string(i), small));
              });
              must(spaces.commit(guid, delivery.delivery, {}));
            });

  for (const unsigned threads : {1U, 16U})
    measure(threads == 1 ? "2,000 single files of 10 KiB, 1 thread" : "the same, 16 threads", 2000, "files", [&] {
      const auto other = must(spaces.create({}));
      in_threads(threads, [&](unsigned) {
        for (unsigned i = 0; i < 2000 / threads; ++i) {
          const auto upload = must(spaces.create_upload(other.space.guid, upload_of("one", small.size())));
          auto writer = must(spaces.write(other.space.guid, upload.upload, 0, std::nullopt));
          must(writer->write(small));
          must(writer->finish());
        }
      });
    });

  for (const unsigned threads : {1U, 16U})
    measure(threads == 1 ? "catalog changes, 1 thread" : "catalog changes, 16 threads", 8000, "changes", [&] {
      in_threads(threads, [&](unsigned) {
        space::DeliveryRow row;
        row.guid = guid;
        for (unsigned i = 0; i < 8000 / threads; ++i) {
          row.delivery = Id::random();
          must(catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
            transaction.put_delivery(row);
            return {};
          }));
        }
      });
    });

  const auto quiet = must(spaces.create({}));
  measure("cached reads of a space in the catalog", 1e6, "reads", [&] {
    for (int i = 0; i < 1'000'000; ++i) must(catalog->space(quiet.space.guid));
  });
  measure("views of an empty space", 2e5, "views", [&] {
    const std::string text = quiet.token.text();
    for (int i = 0; i < 200'000; ++i) must(spaces.view(quiet.space.guid, text));
  });
  measure("seq of a space", 1e6, "reads", [&] {
    for (int i = 0; i < 1'000'000; ++i)
      if (!spaces.seq(quiet.space.guid)) std::abort();
  });
  measure("views of a space with 4,003 files", 200, "views", [&] {
    for (int i = 0; i < 200; ++i) must(spaces.view(guid, token));
  });
  return 0;
}
