// What nodes compare of what they were told.
#include "serve/operations/agreement.h"

#include "unit/catch.h"

using namespace qrx;
using namespace qrx::serve;

TEST_CASE(
    "what differs between two nodes is named, with both values; what one of them does not know is no difference") {
  Agreed ours, theirs;
  ours.links = theirs.links = "https://qrx.example.org";
  CHECK(differences(policy_text(ours, "id"), policy_text(theirs, "id")).empty());
  theirs.limits.max_size = 5;
  theirs.transports = "mail";
  CHECK(differences(policy_text(ours, "id"), policy_text(theirs, "id")) ==
        "max-size 0 (there 5), notify none (there mail)");
  CHECK(differences("a 1\nb 2\n", "b 2\nc 3\n").empty());
  CHECK(differences("", "x").empty());
  CHECK(differences("a 1\n", "a \x1b[31m\n").find('\x1b') == std::string::npos);
}

TEST_CASE("create tokens are compared in any order, and two bytes of a sum stand for all of them") {
  const Sha256Sum one = sha256(as_bytes("one")), two = sha256(as_bytes("two"));
  Agreed ours, theirs;
  ours.create_needs_token = theirs.create_needs_token = true;
  ours.tokens = {one, two};
  theirs.tokens = {two, one};
  const std::string text = policy_text(ours, "id");
  CHECK(text == policy_text(theirs, "id"));
  CHECK(text != policy_text(ours, "another catalog"));
  const auto at = text.find("create-tokens ");
  REQUIRE(at != std::string::npos);
  CHECK(text.find('\n', at) - at == std::string("create-tokens 0123").size());
  theirs.tokens = {one};
  CHECK(differences(text, policy_text(theirs, "id")) == "create-tokens differ");
}
