// The client against stores that answer well, badly, late and not at all.
#include "s3/bucket.h"

#include <cstring>
#include <future>
#include <thread>

#include "s3/probe.h"
#include "scripted_server.h"

using namespace qrx;
using namespace qrx::s3;
using namespace qrx::test;

namespace {

using Script = ScriptedServer::Script;

Script answering(std::string answer, std::string* head = nullptr) {
  return [answer, head](Peer& peer) {
    const std::string got = peer.head();
    if (head != nullptr) *head = got;
    peer.send(answer);
  };
}

std::string with_body(const std::string& status_and_headers, const std::string& body) {
  return "HTTP/1.1 " + status_and_headers + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string error(const std::string& status, const std::string& code) {
  return with_body(status, "<Error><Code>" + code + "</Code></Error>");
}

Payload payload(const std::string& bytes) {
  Payload out;
  out.size = bytes.size();
  out.sha256 = hex_sha256(as_bytes(bytes));
  out.crc32 = 0x01020304;
  out.read = [bytes](std::uint64_t at, std::span<char> space) -> Result<std::size_t> {
    const std::size_t size = std::min<std::size_t>(space.size(), bytes.size() - at);
    std::memcpy(space.data(), bytes.data() + at, size);
    return size;
  };
  return out;
}

// A bucket at a scripted server. Patience is short: what is tried in vain ends within a second or two.
struct Store {
  explicit Store(std::vector<Script> scripts) : server(std::move(scripts)) {
    CurlLoop::Options options;
    options.connect_time = options.stall_time = Millis(1000);
    loop = std::move(*CurlLoop::make(options));
    BucketPlace place;
    place.endpoint = server.origin();
    place.path_style = true;
    place.region = "us-east-1";
    place.bucket = "b";
    place.prefix = "p/";
    Perseverance patience;
    patience.give_up_after = Millis(1500);
    patience.absent_after = Millis(300);
    patience.first_pause = Millis(10);
    patience.longest_pause = Millis(50);
    bucket = std::make_unique<Bucket>(place, keys, *loop, patience);
  }
  Result<std::string> get(std::uint64_t first, std::uint64_t size) {
    return wait<std::string>([&](auto done) { bucket->get("x/1", first, size, std::move(done)); });
  }
  Result<void> put(const std::string& bytes, PayloadSum sum = PayloadSum::sha256) {
    return wait<void>([&](auto done) { bucket->put("x/1", payload(bytes), sum, std::move(done)); });
  }
  Result<ListPage> list() {
    return wait<ListPage>([&](auto done) { bucket->list("x", "", 5, std::move(done)); });
  }

  ScriptedServer server;
  KeySource keys{"", Keys{"AKIA", "secret", "token"}};
  std::unique_ptr<CurlLoop> loop;
  std::unique_ptr<Bucket> bucket;
};

const std::string ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const std::string part = with_body("206 Partial Content\r\nContent-Range: bytes 2-5/9", "cdef");

}  // namespace

TEST_CASE("a range is asked for, signed, and given as it is") {
  std::string head;
  Store store({answering(part, &head)});
  const auto got = store.get(2, 4);
  REQUIRE(got);
  CHECK(*got == "cdef");
  CHECK(head.starts_with("GET /b/p/x/1 HTTP/1.1\r\n"));
  CHECK(head.find("\r\nrange: bytes=2-5\r\n") != std::string::npos);
  CHECK(head.find("\r\nx-amz-security-token: token\r\n") != std::string::npos);
  CHECK(head.find("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date;x-amz-security-token") !=
        std::string::npos);
}

TEST_CASE("what is put is proved by the sum that was chosen") {
  std::string head;
  const auto taking = [&head](Peer& peer) {
    head = peer.head();
    CHECK(peer.read(5) == "hello");
    peer.send(ok);
  };
  Store store({taking, taking});
  CHECK(store.put("hello"));
  CHECK(head.find("\r\nx-amz-content-sha256: " + hex_sha256(as_bytes("hello")) + "\r\n") != std::string::npos);
  CHECK(store.put("hello", PayloadSum::crc32));
  CHECK(head.find("\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n") != std::string::npos);
  CHECK(head.find("\r\nx-amz-checksum-crc32: AQIDBA==\r\n") != std::string::npos);
}

TEST_CASE("trouble is tried again: errors of the store, cut connections, short and wrong answers") {
  const auto cut = [](Peer& peer) {
    peer.head();
    peer.reset();
  };
  const auto fails_first = [&](Script script) {
    Store store({std::move(script), answering(part)});
    const auto got = store.get(2, 4);
    return got && *got == "cdef" && store.server.accepted() == 2;
  };
  CHECK(fails_first(answering(error("500 Oops", "InternalError"))));
  CHECK(fails_first(answering(error("503 Slow Down", "SlowDown"))));
  CHECK(fails_first(cut));
  CHECK(fails_first(answering("HTTP/1.1 206 OK\r\nContent-Range: bytes 2-5/9\r\nContent-Length: 4\r\n\r\ncd")));
  CHECK(fails_first(answering(with_body("206 OK\r\nContent-Range: bytes 0-3/9", "cdef"))));
  CHECK(fails_first(answering(with_body("200 OK", "cdef"))));  // the whole object, which does not begin there
  CHECK(fails_first(answering(with_body("206 OK\r\nContent-Range: bytes 2-5/9", "cde"))));
  CHECK(fails_first(answering(with_body("206 OK\r\nContent-Range: bytes 2-5/9", std::string(100'000, 'x')))));
  CHECK(fails_first(answering(error("404 Not Found", "NoSuchKey"))));  // not seen yet
}

TEST_CASE("a put that was cut after its body is put again, as the same") {
  const auto cut = [](Peer& peer) {
    peer.head();
    peer.read(5);
    peer.reset();
  };
  std::string again;
  Store store({cut, [&](Peer& peer) {
                 peer.head();
                 again = peer.read(5);
                 peer.send(ok);
               }});
  CHECK(store.put("hello"));
  CHECK(again == "hello");
}

TEST_CASE("what does not help is not tried again") {
  const auto kind_of = [](const std::string& answer) {
    Store store({answering(answer), answering(part)});
    const auto got = store.get(2, 4);
    CHECK(store.server.accepted() == 1);
    return got ? "none" : got.error().what + "; " + got.error().hint;
  };
  CHECK(kind_of(error("403 Forbidden", "AccessDenied")).find("refuses access to s3://b/p (AccessDenied)") !=
        std::string::npos);
  CHECK(kind_of(error("301 Moved", "PermanentRedirect")).find("--s3-region") != std::string::npos);
  CHECK(kind_of(error("404 Not Found", "NoSuchBucket")).find("there is no bucket b") != std::string::npos);
}

TEST_CASE("what is under way when the loop ends is told so once, and not tried again") {
  Store store({[](Peer& peer) {
    peer.head();
    while (!peer.closed_by_client()) continue;
  }});
  std::promise<Result<std::string>> told;  // twice would throw
  store.bucket->get("x/1", 2, 4, [&](Result<std::string> got) { told.set_value(std::move(got)); });
  while (store.server.accepted() == 0) std::this_thread::yield();
  store.loop.reset();
  const auto got = told.get_future().get();
  REQUIRE_FALSE(got);
  CHECK(got.error().what == "server shutting down");
}

TEST_CASE("an end to patience") {
  Store absent(std::vector<Script>(200, answering(error("404 Not Found", "NoSuchKey"))));
  const auto gone = absent.get(2, 4);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().kind == Kind::not_found);
  Store broken(std::vector<Script>(400, answering(error("500 Oops", "InternalError"))));
  const auto down = broken.get(2, 4);
  REQUIRE_FALSE(down);
  CHECK(down.error().kind == Kind::unavailable);
  Store silent({[](Peer& peer) { peer.closed_by_client(); }});
  CHECK(silent.get(2, 4).error().kind == Kind::unavailable);
}

TEST_CASE("a clock that is wrong is set by the store's") {
  std::string second;
  Store store(
      {answering("HTTP/1.1 403 No\r\nDate: Thu, 01 Jan 2099 00:00:00 GMT\r\nConnection: close\r\nContent-Length: "
                 "48\r\n\r\n<Error><Code>RequestTimeTooSkewed</Code></Error>"),
       answering(part, &second)});
  CHECK(store.get(2, 4));
  CHECK(second.find("\r\nx-amz-date: 20990101T0000") != std::string::npos);
}

TEST_CASE("requests that are under way when the clock is found wrong are signed anew, each of them") {
  std::promise<void> both;
  const auto signed_both = both.get_future().share();
  const auto refused = [signed_both](Peer& peer) {
    peer.head();
    signed_both.wait();
    peer.send(
        "HTTP/1.1 403 No\r\nDate: Thu, 01 Jan 2099 00:00:00 GMT\r\nConnection: close\r\nContent-Length: 48\r\n\r\n"
        "<Error><Code>RequestTimeTooSkewed</Code></Error>");
  };
  Store store({refused, refused, answering(part), answering(part)});
  std::promise<Result<std::string>> first, second;
  store.bucket->get("x/1", 2, 4, [&](Result<std::string> got) { first.set_value(std::move(got)); });
  store.bucket->get("x/1", 2, 4, [&](Result<std::string> got) { second.set_value(std::move(got)); });
  both.set_value();
  CHECK(first.get_future().get());
  CHECK(second.get_future().get());
}

TEST_CASE("addresses go by the store's clock, which each answer tells") {
  const auto now_is = [](WallTime time) {
    return with_body("206 Partial Content\r\nDate: " + to_http_date(time) + "\r\nContent-Range: bytes 2-5/9", "cdef");
  };
  const WallTime now = system_clock().wall();
  // Five minutes are no reason to refuse a request, but an address that is good for one has ended by then.
  Store store({answering(now_is(now + std::chrono::minutes(5))), answering(now_is(now + std::chrono::hours(100)))});
  REQUIRE(store.get(2, 4));
  const auto signed_at = [&] {
    const std::string address = store.bucket->address_of("x/1", "text/plain", "inline", 60);
    const auto at = address.find("X-Amz-Date=");
    REQUIRE(at != std::string::npos);
    return address.substr(at + 11, 16);
  };
  const std::string got = signed_at();
  CHECK(got >= signing_time(now + std::chrono::seconds(298)));
  CHECK(got <= signing_time(system_clock().wall() + std::chrono::seconds(302)));
  // What took a request that was signed by about now does not live in another week.
  REQUIRE(store.get(2, 4));
  CHECK(signed_at() <= signing_time(system_clock().wall() + std::chrono::seconds(302)));
}

TEST_CASE("a store that goes on to find the clock wrong is told of in a line that says so") {
  Store store({answering(error("403 Forbidden", "RequestTimeTooSkewed"))});
  const auto got = store.get(2, 4);
  REQUIRE_FALSE(got);
  CHECK(got.error().what.find("clock of this machine") != std::string::npos);
}

TEST_CASE("removing what is absent is fine") {
  Store store({answering(error("404 Not Found", "NoSuchKey"))});
  CHECK(wait<void>([&](auto done) { store.bucket->remove("x/1", std::move(done)); }));
}

TEST_CASE("listings are below the prefix, or nothing") {
  const auto page = [](const std::string& key) {
    return with_body("200 OK", "<ListBucketResult><Contents><Key>" + key + "</Key></Contents></ListBucketResult>");
  };
  std::string head;
  Store store({answering(page("p/x/1"), &head)});
  const auto got = store.list();
  REQUIRE(got);
  CHECK(got->objects[0].key == "x/1");
  CHECK(head.starts_with("GET /b?encoding-type=url&list-type=2&max-keys=5&prefix=p%2Fx HTTP/1.1\r\n"));
  Store other(std::vector<Script>(400, answering(page("q/x/1"))));
  CHECK_FALSE(other.list());
}

TEST_CASE("a store that refuses no wrong sum is not used") {
  const auto taking = [](Peer& peer) {
    const std::string head = peer.head();
    const auto at = head.find("Content-Length: ");
    if (at != std::string::npos) peer.read(std::stoul(head.substr(at + 16)));
    peer.send(ok);
  };
  Store store(std::vector<Script>(10, taking));
  const auto sum = probe(*store.bucket);
  REQUIRE_FALSE(sum);
  CHECK(sum.error().kind == Kind::usage);
  CHECK(sum.error().what.find("refuses no wrong checksum") != std::string::npos);
}
