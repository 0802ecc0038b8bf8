#include "unit/catch.h"

#include <set>
#include <string>

#include "seal/fingerprint.h"
#include "seal/words.h"

using namespace qrx;
using namespace qrx::seal;

namespace {
const std::string guid = "abcdefghijklmnopqrstuvwxyz";
const std::string recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
}  // namespace

TEST_CASE("the words of fingerprints are short, different, sorted and lower case") {
  std::string_view before;
  for (const std::string_view word : words) {
    CHECK(word.size() >= 3);
    CHECK(word.size() <= 7);
    CHECK(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos);
    CHECK(before < word);
    before = word;
  }
}

TEST_CASE("a fingerprint is the same for the same link in any case, and another for any change") {
  const auto print = fingerprint("qrx.example:8460", guid, recipient);
  REQUIRE(print);
  CHECK(*print == "oyster-juniper-garden-magic");  // hashlib.scrypt of Python gives the same bits
  CHECK(fingerprint("QRX.EXAMPLE:8460", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", recipient).value() == *print);
  std::set<std::string> prints = {*print};
  CHECK(prints.insert(*fingerprint("qrx.example:8461", guid, recipient)).second);
  CHECK(prints.insert(*fingerprint("qrx.example:8460", "b" + guid.substr(1), recipient)).second);
  CHECK(prints.insert(*fingerprint("qrx.example:8460", guid, "")).second);
}

TEST_CASE("words are compared as people type them") {
  CHECK(same_words("amber-canoe-fox-tulip", "Amber canoe, fox  TULIP\n"));
  CHECK_FALSE(same_words("amber-canoe-fox-tulip", "amber-canoe-fox"));
  CHECK_FALSE(same_words("amber-canoe-fox-tulip", "canoe-amber-fox-tulip"));
  CHECK_FALSE(same_words("amber-canoe", "ambercanoe"));
  CHECK_FALSE(same_words("", ""));
}
