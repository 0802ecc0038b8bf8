// The front under TLS.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "http/client.h"
#include "running_front.h"
#include "temp_directory.h"

using namespace front_test;

namespace {

// A key and a certificate of its own in a directory that goes away.
class Certificate {
 public:
  Certificate() { make("first"); }
  std::string cert() const { return directory_ / "cert.pem"; }
  std::string key() const { return directory_ / "key.pem"; }

  void make(const std::string& name) const {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, pair);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_version(certificate, X509_VERSION_3);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, pair, EVP_sha256());
    std::FILE* file = std::fopen(cert().c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(key().c_str(), "w");
    PEM_write_PrivateKey(file, pair, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(pair);
  }

 private:
  const test::TempDirectory directory_;
};

class TlsClient {
 public:
  explicit TlsClient(const Running& running, int most_version = TLS1_3_VERSION) : raw_(running) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, most_version);
    SSL_CTX_set_security_level(context_, 0);
    tls_ = SSL_new(context_);
    SSL_set_fd(tls_, raw_.fd());
    connected = SSL_connect(tls_) == 1;
  }
  ~TlsClient() {
    SSL_free(tls_);
    SSL_CTX_free(context_);
  }
  void send(const std::string& bytes) { REQUIRE(SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())) > 0); }
  std::string read_until(const std::function<bool(const std::string&)>& enough) {
    std::string all;
    char bytes[16384];
    while (!enough(all)) {
      const int got = SSL_read(tls_, bytes, sizeof bytes);
      if (got <= 0) {
        ended_in_order = SSL_get_error(tls_, got) == SSL_ERROR_ZERO_RETURN;
        break;
      }
      all.append(bytes, static_cast<std::size_t>(got));
    }
    return all;
  }
  std::string rest() {
    return read_until([](const auto&) { return false; });
  }
  std::string subject() const {
    X509* certificate = SSL_get1_peer_certificate(tls_);
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
    return name;
  }

  bool connected = false;
  bool ended_in_order = false;

 private:
  Raw raw_;
  SSL_CTX* context_;
  SSL* tls_;
};

ServerOptions tls_options(const Certificate& certificate) {
  auto options = quick_options();
  options.tls_cert = certificate.cert();
  options.tls_key = certificate.key();
  return options;
}

class Collector final : public BodySink {
 public:
  explicit Collector(std::string& body) : body_(body) {}
  Result<void> write(ByteView bytes) override {
    body_ += as_text(bytes);
    return {};
  }
  Reply finish() override { return text_answer(std::to_string(body_.size())); }
  void abandon() override {}

 private:
  std::string& body_;
};

class OneFile final : public BodySource {
 public:
  OneFile(std::FILE* file, std::uint64_t size, std::atomic<int>& completed)
      : file_(file), left_(size), completed_(completed) {}
  Next next() override {
    if (left_ == 0) return End{};
    return FilePiece{::fileno(file_), 0, std::exchange(left_, 0)};
  }
  bool wants_acknowledgement() const override { return true; }
  void completed() override { ++completed_; }

 private:
  std::FILE* file_;
  std::uint64_t left_;
  std::atomic<int>& completed_;
};

Reply hello(const std::shared_ptr<const Request>&) {
  return text_answer("hello");
}

}  // namespace

TEST_CASE("bodies go both ways under TLS") {
  const Certificate certificate;
  std::string body(3'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>((i * 2654435761U) >> 24);
  std::string received;
  std::atomic<int> completed{0};
  std::FILE* file = std::tmpfile();
  REQUIRE(std::fwrite(body.data(), 1, body.size(), file) == body.size());
  std::fflush(file);
  {
    Running running(
        [&](const auto& request) -> Reply {
          if (request->method == "PUT") return Receive{std::make_unique<Collector>(received)};
          Send send;
          send.length = body.size();
          send.source = std::make_unique<OneFile>(file, body.size(), completed);
          return send;
        },
        tls_options(certificate));
    TlsClient client(running);
    REQUIRE(client.connected);
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(has(client.read_until([](const auto& all) { return all.ends_with("3000000"); }), "200 OK"));
    CHECK(received == body);
    client.send(get("/", "Connection: close\r\n"));
    CHECK(body_of(client.rest()) == body);
    CHECK(client.ended_in_order);
    CHECK(soon([&] { return completed == 1; }));
  }
  std::fclose(file);
}

TEST_CASE("our client and our server: bodies both ways under TLS, over one connection") {
  const Certificate certificate;
  std::string body(3'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>((i * 2654435761U) >> 24);
  std::string received;
  std::atomic<int> completed{0};
  std::FILE* file = std::tmpfile();
  REQUIRE(std::fwrite(body.data(), 1, body.size(), file) == body.size());
  std::fflush(file);
  {
    Running running(
        [&](const auto& request) -> Reply {
          if (request->method == "PUT") return Receive{std::make_unique<Collector>(received)};
          Send send;
          send.length = body.size();
          send.source = std::make_unique<OneFile>(file, body.size(), completed);
          return send;
        },
        tls_options(certificate));
    http::ClientOptions options;
    options.ca_file = certificate.cert();
    http::Client client(wire::Origin{true, "127.0.0.1", running.port(), ""}, options);
    http::ClientRequest put;
    put.method = "PUT";
    for (const std::optional<std::uint64_t> length : {std::optional<std::uint64_t>(body.size()), {}}) {
      received.clear();
      std::size_t at = 0;
      const auto reader = [&](std::span<std::byte> space) -> Result<std::size_t> {
        const auto size = std::min(space.size(), body.size() - at);
        std::memcpy(space.data(), body.data() + at, size);
        at += size;
        return size;
      };
      const auto answer = client.send(put, length, reader, {});
      REQUIRE(answer.has_value());
      CHECK(answer->status == 200);
      CHECK(answer->body == "3000000");
      CHECK(received == body);
    }
    REQUIRE(client.open({}).has_value());
    std::string got;
    std::vector<std::byte> space(100'000);
    for (;;) {
      const auto size = client.read(space);
      REQUIRE(size.has_value());
      if (*size == 0) break;
      got += as_text({space.data(), *size});
    }
    CHECK(got == body);
    CHECK(running.server.counts().connections == 1);
  }
  std::fclose(file);
}

TEST_CASE("our client says what is wrong with TLS at the other end") {
  const Certificate certificate;
  Running running(hello, tls_options(certificate));
  Running plain(hello);
  const auto failure = [&](const std::string& host, std::uint16_t port, const std::string& ca_file) {
    http::ClientOptions options;
    options.ca_file = ca_file;
    http::Client client(wire::Origin{true, host, port, ""}, options);
    const auto answer = client.request({});
    return answer ? Error{} : answer.error();
  };
  CHECK(failure("127.0.0.1", running.port(), certificate.cert()).what.empty());
  const auto stranger = failure("127.0.0.1", running.port(), "");
  CHECK(stranger.kind == Kind::other);
  CHECK(stranger.what.starts_with("cannot trust 127.0.0.1: self"));
  const auto misnamed = failure("localhost", running.port(), certificate.cert());
  CHECK(misnamed.kind == Kind::other);
  CHECK(misnamed.what == "cannot trust localhost: hostname mismatch");
  const auto clear = failure("127.0.0.1", plain.port(), certificate.cert());
  CHECK(clear.kind == Kind::unavailable);
  CHECK(clear.what == "TLS with 127.0.0.1 failed: wrong version number");
}

TEST_CASE("TLS older than 1.2, and plain HTTP, get nowhere on a TLS port") {
  const Certificate certificate;
  Running running(hello, tls_options(certificate));
  CHECK_FALSE(TlsClient(running, TLS1_1_VERSION).connected);
  CHECK(TlsClient(running, TLS1_2_VERSION).connected);
  Raw plain(running);
  plain.send(get("/"));
  CHECK_FALSE(has(plain.rest(), "hello"));
}

TEST_CASE("a handshake that takes too long is given up, and keeps nobody else waiting") {
  const Certificate certificate;
  auto options = tls_options(certificate);
  options.head_time = Millis(80);
  Running running(hello, options);
  std::vector<std::unique_ptr<Raw>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<Raw>(running));
    silent.back()->send("\x16\x03\x01");
  }
  CHECK(TlsClient(running).connected);
  for (auto& raw : silent) CHECK(raw->is_closed());
}

TEST_CASE("a certificate is read again while connections go on with the old one") {
  const Certificate certificate;
  Running running(hello, tls_options(certificate));
  TlsClient before(running);
  REQUIRE(before.connected);
  CHECK(before.subject() == "first");
  certificate.make("second");
  CHECK(running.server.reload_tls());
  TlsClient after(running);
  REQUIRE(after.connected);
  CHECK(after.subject() == "second");
  before.send(get("/", "Connection: close\r\n"));
  CHECK(body_of(before.rest()) == "hello");

  std::filesystem::resize_file(certificate.key(), 10);
  const auto reloaded = running.server.reload_tls();
  REQUIRE_FALSE(reloaded);
  CHECK(has(reloaded.error().what, certificate.key()));
  CHECK(TlsClient(running).subject() == "second");
}

TEST_CASE("a key that does not belong to the certificate is refused at the start") {
  const Certificate one, other;
  auto options = tls_options(one);
  options.tls_key = other.key();
  Server mixed(options, hello, plain_error);
  CHECK_FALSE(mixed.bind());
  options.tls_cert = one.cert() + ".missing";
  Server missing(options, hello, plain_error);
  const auto bound = missing.bind();
  REQUIRE_FALSE(bound);
  CHECK(has(bound.error().what, options.tls_cert));
}
