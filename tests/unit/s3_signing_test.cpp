// The examples that AWS publishes for Signature Version 4 with S3 ("Examples: Signature Calculations", and
// "Authenticating Requests: Using Query Parameters").
#include "s3/signing.h"

#include "catch.h"

using namespace qrx;
using namespace qrx::s3;

namespace {

const Keys keys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", {}};
const std::string host = "examplebucket.s3.amazonaws.com";
const std::string empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

SigningScope scope() {
  return {"us-east-1", *from_rfc3339("2013-05-24T00:00:00Z")};
}

std::string signature_of(const ToSign& request) {
  const std::string text = authorization(request, keys, scope());
  return text.substr(text.find("Signature=") + 10);
}

ToSign get(const std::string& path, Pairs query = {}) {
  return {"GET",
          path,
          std::move(query),
          {{"host", host}, {"x-amz-content-sha256", empty}, {"x-amz-date", "20130524T000000Z"}},
          empty};
}

}  // namespace

TEST_CASE("AWS's example: GET of a range") {
  ToSign request = get("/test.txt");
  request.headers.emplace_back("range", "bytes=0-9");
  CHECK(authorization(request, keys, scope()) ==
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_CASE("AWS's example: PUT") {
  const std::string body = "Welcome to Amazon S3.";
  ToSign request;
  request.method = "PUT";
  request.path = "/test%24file.text";
  request.payload = hex_sha256(as_bytes(body));
  CHECK(request.payload == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  request.headers = {{"host", host},
                     {"date", "Fri, 24 May 2013 00:00:00 GMT"},
                     {"x-amz-content-sha256", request.payload},
                     {"x-amz-date", "20130524T000000Z"},
                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  CHECK(signature_of(request) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_CASE("AWS's examples: a query without values, and one with") {
  CHECK(signature_of(get("/", {{"lifecycle", ""}})) ==
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  CHECK(signature_of(get("/", {{"prefix", "J"}, {"max-keys", "2"}})) ==
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("AWS's example: a presigned link") {
  const ToSign request{"GET", "/test.txt", {}, {{"host", host}}, {}};
  CHECK(presigned_query(request, keys, scope(), 86400) ==
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_"
        "request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("queries are sorted by their escaped names") {
  CHECK(encode_query({{"b", "2 /"}, {"a", "1"}, {"B", ""}}) == "B=&a=1&b=2%20%2F");
}
