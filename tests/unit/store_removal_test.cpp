// What is gone goes in steps: the catalog in SQLite.
#include "unit/catalog_removal.h"
#include "unit/store_world.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("in SQLite what has many rows is gone at once, and its rows go some at a time") {
  TempDirectory directory;
  const auto catalog = open_catalog(directory, {.relaxed = true});
  CatalogRemoval removal(*catalog);
  SECTION("a committed delivery") {
    removal.clear();
  }
  SECTION("an open delivery") {
    removal.drop();
  }
  SECTION("rows of a commit that did not come") {
    removal.take_back();
  }
  SECTION("a space") {
    removal.remove_space();
  }
  SECTION("not what lives") {
    removal.keep_what_lives();
  }
}
