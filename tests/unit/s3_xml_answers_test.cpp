// What S3 stores answer, and what somebody between might make of it.
#include "s3/xml_answers.h"

#include "catch.h"

using namespace qrx;
using namespace qrx::s3;

namespace {

const std::string head = R"(<?xml version="1.0" encoding="UTF-8"?>)"
                         R"(<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>)";
const std::string one =
    "<Contents><Key>p/a%2Fb%20c</Key><LastModified>2026-11-30T19:00:01.250Z</LastModified>"
    "<ETag>&quot;x&quot;</ETag><Size>12</Size><Owner><ID>i</ID></Owner></Contents>";

std::string page(const std::string& inside) {
  return head + inside + "</ListBucketResult>";
}

}  // namespace

TEST_CASE("a page of a listing") {
  const auto last = parse_list(page("<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>" + one));
  REQUIRE(last);
  REQUIRE(last->objects.size() == 1);
  CHECK(last->objects[0].key == "p/a/b c");
  CHECK(last->objects[0].size == 12);
  CHECK(to_rfc3339(last->objects[0].modified) == "2026-11-30T19:00:01Z");
  CHECK(last->next.empty());
  const auto first =
      parse_list(page("<IsTruncated>true</IsTruncated><NextContinuationToken>t=/+</NextContinuationToken>" + one));
  REQUIRE(first);
  CHECK(first->next == "t=/+");
  CHECK(first->objects[0].key == "p/a%2Fb%20c");  // not said to be escaped
  CHECK(parse_list(page(""))->objects.empty());
}

TEST_CASE("what is no listing is an error") {
  CHECK_FALSE(parse_list(""));
  CHECK_FALSE(parse_list("<html><body>Welcome to the hotel</body></html>"));
  CHECK_FALSE(parse_list("<ListBucketResult>"));
  CHECK_FALSE(parse_list(page("<IsTruncated>true</IsTruncated>" + one)));  // the rest would be taken for absent
  CHECK_FALSE(parse_list(page("<Contents><Key>a</Key><Size>-1</Size></Contents>")));
  CHECK_FALSE(parse_list(page("<Contents><Key>a</Key><LastModified>today</LastModified></Contents>")));
  CHECK_FALSE(parse_list(page("<Contents><Size>1</Size></Contents>")));
  CHECK_FALSE(parse_list(page("<EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents>")));
  CHECK_FALSE(parse_list(page("<Contents><Key>" + std::string(10'000, 'k') + "</Key></Contents>")));
  CHECK_FALSE(parse_list(page("<a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a>")));
  CHECK_FALSE(parse_list(page(one) + page(one)));
  CHECK_FALSE(parse_list("<!DOCTYPE x [<!ENTITY a \"aaaaaaaa\">]>" + page("<Contents><Key>&a;</Key></Contents>")));
}

TEST_CASE("errors of the store") {
  const StoreError error = parse_error(
      "<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>gone</Message>"
      "<Region>eu-west-1</Region></Error>");
  CHECK(error.code == "NoSuchKey");
  CHECK(error.message == "gone");
  CHECK(error.region == "eu-west-1");
  CHECK(parse_error("nginx says no").code.empty());
  CHECK(parse_error("").code.empty());
}
