// The data directory of a server, as it is found.
#include "unit/catch.h"

#include <fstream>

#include "serve/operations/create_tokens.h"
#include "serve/operations/data.h"
#include "unit/space_world.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("a server does not begin anew over files whose catalog is missing") {
  TempDirectory directory;
  CountedEvents events;
  serve::DataOptions options;
  options.directory = directory.path().string();
  Id stored = Id::random();
  {
    auto data = serve::Data::open(options, events);  // a new directory has neither
    REQUIRE(data);
    auto files = store::FileBlobs::open(options.directory, {});
    REQUIRE(files);
    REQUIRE((*files)->create(stored));
  }
  REQUIRE(serve::Data::open(options, events));
  const std::string catalog = directory / "catalog.db";
  const bool emptied = GENERATE(false, true);
  for (const char* side : {"", "-wal", "-shm"}) std::filesystem::remove(catalog + side);
  if (emptied) std::ofstream(catalog, std::ios::binary).flush();

  const auto refused = serve::Data::open(options, events);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::integrity);
  CHECK(refused.error().what.find(catalog + " is missing") != std::string::npos);
  CHECK(refused.error().hint.find("backup") != std::string::npos);
  CHECK(std::filesystem::exists(directory / ("staging/" + stored.text())));

  std::filesystem::remove_all(directory / "staging");
  CHECK(serve::Data::open(options, events));
}
