#include "unit/catch.h"

#include "wire/id.h"
#include "wire/link.h"
#include "wire/messages.h"

using namespace qrx;

namespace {
const std::string guid = Id::random().text();
const std::string token = Token::random().text();
const std::string key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";  // from age(1)
}  // namespace

TEST_CASE("an id is a UUIDv4 in 26 base32 characters of any case") {
  const Id id = Id::random();
  CHECK(id.text().size() == 26);
  CHECK((id.bytes[6] & 0xF0) == 0x40);
  CHECK((id.bytes[8] & 0xC0) == 0x80);
  CHECK(Id::parse(id.text()) == id);
  CHECK_FALSE(Id::parse(id.text() + "a"));
  CHECK_FALSE(Id::parse("../../../../../../etc/pass"));
}

TEST_CASE("a drop link comes back from the QR code in any case") {
  const auto link = wire::parse_drop_link("HTTPS://QRX.EXAMPLE.NET:8443/U/" + guid + "#" + key);
  REQUIRE(link);
  CHECK(link->origin == wire::Origin{true, "qrx.example.net", 8443, ""});
  CHECK(link->guid.text() == guid);
  CHECK(link->key == key);
  const auto again = wire::parse_drop_link(link->text());
  REQUIRE(again);
  CHECK(again->key == key);
  CHECK(link->text().find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos);
}

TEST_CASE("a drop link behind a proxy keeps the case of its prefix") {
  const auto link = wire::parse_drop_link("https://host/Files/u/" + guid);
  REQUIRE(link);
  CHECK(link->origin.prefix == "/Files");
  CHECK(wire::parse_drop_link(link->text())->origin.prefix == "/Files");
}

TEST_CASE("hostile links are refused before anything is connected to") {
  for (const std::string& text :
       {std::string("javascript:alert(1)"), "https://user@host/u/" + guid, "https://host/u/" + guid + "?x=1",
        "https://host/s/" + guid, "https://host/u/" + guid + "x", "https://ho st/u/" + guid,
        "https://host\x01/u/" + guid, "https://host:0/u/" + guid, "https://host:65536/u/" + guid,
        "https://host:/u/" + guid, "https:///u/" + guid, "ftp://host/u/" + guid, "https://host/u/" + guid + "#age1",
        "https://host/" + std::string(4000, 'a') + "/u/" + guid, "https://[::g]/u/" + guid, std::string()})
    CHECK_FALSE(wire::parse_drop_link(text));
  CHECK(wire::parse_drop_link("http://[fe80::1]:8460/u/" + guid)->origin.authority() == "[fe80::1]:8460");
}

TEST_CASE("links are taken as they come out of mails and messengers") {
  const std::string plain = "https://host/u/" + guid + "#" + key;
  const auto meant = wire::parse_drop_link(plain);
  REQUIRE(meant);
  for (const std::string& text : {"  " + plain + "\r\n",
                                  "<" + plain + ">",
                                  "(" + plain + ").",
                                  "\"" + plain + "\",",
                                  "\u201E" + plain + "\u201C",
                                  "\u00AB" + plain + "\u00BB",
                                  "https://host/u/" + guid + "%23" + key,
                                  "https://host/u/" + guid + "%2523" + key,
                                  "https://host/u/" + guid + "%25252523" + key,
                                  plain + "/",
                                  "https://host/u/" + guid + "%23" + key + "/",
                                  "HTTPS://HOST/u/" + guid + "#" + key,
                                  "\uFEFF" + plain + "\u200B",
                                  "https://host/u/\u00AD" + guid + "#" + key,
                                  "[here](" + plain + ")",
                                  "https://host/u/" + guid + "?utm_source=mail&amp;utm_medium=x#" + key,
                                  plain + "?fbclid=abc-_1",
                                  "https://host/u/" + guid + "?fbclid=x%23" + key,
                                  "https://host/u/" + guid + "&#35;" + key,
                                  "https://host/u/" + guid + "#\n " + key,
                                  plain.substr(0, 30) + "=\r\n" + plain.substr(30),
                                  std::string("https%3A%2F%2Fhost%2Fu%2F") + guid + "%23" + key,
                                  "URL:" + plain,
                                  "\u00A0" + plain + "\u3002",
                                  "\uFF08" + plain + "\uFF09\uFF01",
                                  "\u3010" + plain + "\u3011",
                                  "_" + plain + "_",
                                  "> " + plain,
                                  "see " + plain + " thanks",
                                  "Here it is, at 8: " + plain + ".",
                                  "Link:" + plain,
                                  "https://host/u/" + guid + "\uFF03" + key}) {
    INFO(text);
    const auto link = wire::parse_drop_link(text);
    REQUIRE(link);
    CHECK(link->text() == meant->text());
  }
  // What is in doubt is said instead.
  const auto why = [](const std::string& text) { return wire::parse_drop_link(text).error().what; };
  CHECK(why("hello") == "'hello' is not a link (http://\u2026 or https://\u2026)");
  CHECK(why(plain.substr(0, plain.size() - 22)) == "the key in the link is cut short: 40 of 62 characters");
  CHECK(why("https://host/u/" + guid + "?x=1").find("query") != std::string::npos);
  CHECK(why(plain + " " + plain).find("blanks") != std::string::npos);
  // What lost its key on the way would be sent as everybody can read it.
  const std::string bare = "https://host/u/" + guid;
  CHECK(why(bare + "#") == "the key in the link is cut short: 0 of 62 characters");
  CHECK(wire::parse_share_link("https://host/d/" + token + "#").error().what.find("cut short") != std::string::npos);
  for (const std::string& text : {bare + " #" + key, bare + "# " + key, bare + " " + key, bare + " %23" + key}) {
    INFO(text);
    CHECK(why(text).find("blanks") != std::string::npos);
  }
  CHECK(wire::parse_drop_link("http://B\u00FCcher.example/u/" + guid)->origin.host == "xn--bcher-kva.example");
  // What becomes a mark of a URL would cut the host short, or make it another one.
  for (const char* host : {"good.example\uFF0F.evil.example", "good.example\uFF1Fx", "me\uFF20evil.example",
                           "good.example\uFF03x", "\u2100.example"}) {
    INFO(host);
    const std::string url = std::string("https://") + host;
    CHECK_FALSE(wire::parse_drop_link(url + "/u/" + guid));
    CHECK_FALSE(wire::Origin::parse(url));
  }
  CHECK(wire::Origin::parse("https://\u4F8B\u5B50.example:8443/qrx")->url() == "https://xn--fsqu00a.example:8443/qrx");
  const auto share = wire::parse_share_link("<https://host/d/" + token + "?utm_source=x>");
  REQUIRE(share);
  CHECK(share->token == token);
}

TEST_CASE("a link is no address of a server") {
  for (const std::string& link : {"https://host/qrx/u/" + guid, "https://host/qrx/U/" + guid + "#" + key,
                                  "https://host/qrx/s/" + guid + "#" + token, "https://host/qrx/d/" + token + "/"}) {
    const auto server = wire::Origin::parse(link);
    REQUIRE_FALSE(server);
    CHECK(server.error().kind == Kind::usage);
    CHECK(server.error().hint == "the server's address is https://host/qrx");
  }
  CHECK(wire::Origin::parse("https://host/u/").value().url() == "https://host/u");
  CHECK(wire::Origin::parse("https://host/u/shelf").value().url() == "https://host/u/shelf");
}

TEST_CASE("owner and share links") {
  const auto owner = wire::parse_owner_link("https://host/s/" + guid + "#" + token);
  REQUIRE(owner);
  CHECK(owner->text() == "https://host/s/" + guid + "#" + token);
  CHECK_FALSE(wire::parse_owner_link("https://host/s/" + guid));
  const std::string identity = "AGE-SECRET-KEY-1" + std::string(58, 'Q');
  const auto with_key = wire::parse_owner_link("https://host/s/" + guid + "#" + token + "." + identity);
  REQUIRE(with_key);
  CHECK(with_key->identity == identity);
  CHECK(with_key->text() == owner->text());
  CHECK_FALSE(wire::parse_owner_link("https://host/s/" + guid + "#" + token + ".AGE-SECRET-KEY-1QQ"));
  CHECK(wire::parse_share_link("https://host/d/" + token));
  CHECK_FALSE(wire::parse_share_link("https://host/d/../" + token));
}

TEST_CASE("a space's state survives the way over the wire") {
  wire::SpaceInfo info;
  info.guid = Id::random();
  info.label = "Ann's \"desk\"";
  info.seq = 7;
  info.expires = WallTime(Seconds(1'795'000'000));
  info.deliveries.push_back({Id::random(),
                             WallTime(Seconds(1'794'000'000)),
                             "hello",
                             {{Id::random(), "a/\u4F60.jpg", 12345, "image/jpeg", {1, 2, 3}, false}}});
  info.uploads.push_back({Id::random(), Id::random(), "b", 4096, std::nullopt});
  const auto back =
      wire::from_json<wire::SpaceInfo>(wire::to_json(info, [](const Id& file) { return "/" + file.text(); }));
  REQUIRE(back);
  CHECK(back->label == info.label);
  CHECK(back->deliveries == info.deliveries);
  CHECK(back->uploads == info.uploads);
}

TEST_CASE("malformed messages are refused with a sentence") {
  CHECK(wire::from_json<wire::CreateSpace>("{}"));
  CHECK(wire::from_json<wire::CreateSpace>(R"({"expire":60,"unknown":1})")->expire == Seconds(60));
  for (const char* text : {"", "[]", "{", R"({"expire":-1})", R"({"expire":-0})", R"({"expire":"1"})", R"({"label":7})",
                           R"({"seal":"maybe"})", R"({"max_size":1.5})"})
    CHECK(wire::from_json<wire::CreateSpace>(text).error().kind == Kind::usage);
  CHECK_FALSE(wire::from_json<wire::CreateSpace>(std::string(100'000, '[')));
  CHECK_FALSE(wire::from_json<wire::SpaceInfo>("{}"));
}

TEST_CASE("whether a receiver understands packs is true, false or not said") {
  wire::CreateSpace wish;
  CHECK(wire::to_json(wish).find("packs") == std::string::npos);
  CHECK_FALSE(wire::from_json<wire::CreateSpace>(R"({"packs":null})")->packs);
  CHECK_FALSE(wire::from_json<wire::CreateSpace>(R"({"packs":false})")->packs);
  wish.packs = true;
  CHECK(wire::from_json<wire::CreateSpace>(wire::to_json(wish))->packs);
  wire::DropInfo info;
  CHECK(wire::to_json(info).find("packs") == std::string::npos);
  CHECK_FALSE(wire::from_json<wire::DropInfo>(wire::to_json(info))->packs);
  info.packs = true;
  CHECK(wire::from_json<wire::DropInfo>(wire::to_json(info))->packs);
  for (const char* value : {"1", "0", R"("true")", "[]", "{}"}) {
    CHECK(wire::from_json<wire::CreateSpace>(std::string(R"({"packs":)") + value + "}").error().what ==
          "packs is not true or false");
    std::string text = wire::to_json(info);
    text.replace(text.find("true"), 4, value);
    CHECK_FALSE(wire::from_json<wire::DropInfo>(text));
  }
}

TEST_CASE("a message has one limit, and a manifest with a longer one keeps its names") {
  const std::string longest(wire::most_message_bytes, 'm');
  CHECK(wire::check_message(longest));
  CHECK(wire::check_message(longest + "m").error().kind == Kind::usage);
  CHECK(wire::check_message("\xff").error().kind == Kind::usage);
  CHECK(wire::from_json<wire::CreateDelivery>(wire::to_json(wire::CreateDelivery{longest}))->message == longest);
  CHECK_FALSE(wire::from_json<wire::CreateDelivery>(wire::to_json(wire::CreateDelivery{longest + "m"})));
  CHECK(wire::to_json(wire::CreateDelivery{std::string(wire::most_message_bytes, '\x01')}).size() <=
        wire::most_delivery_request_bytes);
  wire::Manifest manifest;
  manifest.files = {{"a.age", "name", std::string(32, '0')}};
  for (int i = 0; i < 7'000; ++i) manifest.message += "\u5B57";
  const auto back = wire::from_json<wire::Manifest>(wire::to_json(manifest));
  REQUIRE(back);
  CHECK(back->files == manifest.files);
  CHECK(back->message == manifest.message.substr(0, wire::most_message_bytes / 3 * 3));
}

TEST_CASE("a text that is too long is named as people call it") {
  const auto read = wire::from_json<wire::CreateSpace>(R"({"label":")" + std::string(201, 'x') + R"("})");
  REQUIRE(!read);
  CHECK(read.error().what == "the label is longer than 200 bytes");
}

TEST_CASE("lists of files come back as they were, whatever their names hold") {
  wire::SpaceInfo info;
  info.guid = Id::random();
  info.deliveries.resize(2);
  info.deliveries[1].message = "for \"you\"\n";
  for (const char* name : {"a", "say \"hi\".txt", "back\\slash", "\x01\x1f\x7f", "\u4F60/\u202e.jpg", "",
                           "},{\"file\":\"x\"", "line\nend"}) {
    wire::FileInfo file;
    file.file = Id::random();
    file.name = name;
    file.size = std::string_view(name).size();
    file.sealed = file.size % 2 == 0;
    if (file.sealed) file.properties = {WallTime(Seconds(1'700'000'000)), true};
    info.deliveries[file.size % 3 == 0 ? 0 : 1].files.push_back(file);
  }
  const auto back = wire::from_json<wire::SpaceInfo>(wire::to_json(info, [](const Id& id) { return id.text(); }));
  REQUIRE(back);
  CHECK(back->deliveries == info.deliveries);

  // What is no UTF-8 does not break the message.
  info.deliveries[0].files[0].name = "\xff.jpg";
  const auto mended = wire::from_json<wire::SpaceInfo>(wire::to_json(info, [](const Id&) { return "\"/\\"; }));
  REQUIRE(mended);
  CHECK(mended->deliveries[0].files[0].name == "\uFFFD.jpg");
  CHECK(mended->deliveries[1] == info.deliveries[1]);

  wire::DeliveryState state;
  state.delivery = Id::random();
  CHECK(wire::from_json<wire::DeliveryState>(wire::to_json(state))->files.empty());
  state.files = {{"a \"b\"", 1, {}}, {"c", 2, {}}};
  CHECK(wire::from_json<wire::DeliveryState>(wire::to_json(state))->files[0].name == "a \"b\"");
}

TEST_CASE("a message that is nested too deep is refused, and brackets within its texts are not counted") {
  const auto nested = [](int levels) {
    return R"({"label":"a","x":)" + std::string(levels, '[') + "1" + std::string(levels, ']') + "}";
  };
  CHECK(wire::from_json<wire::CreateSpace>(nested(15)));
  CHECK_FALSE(wire::from_json<wire::CreateSpace>(nested(16)));
  CHECK_FALSE(wire::from_json<wire::CreateSpace>(std::string(1U << 20, '[')));
  const auto text = wire::from_json<wire::CreateSpace>(R"({"label":"\\\"[[[[[[[[[[[[[[[[[[[[[[","x":[]})");
  REQUIRE(text);
  CHECK(text->label == "\\\"[[[[[[[[[[[[[[[[[[[[[[");
}

TEST_CASE("a manifest of a sealed delivery comes back as it was") {
  const wire::Manifest manifest{
      "for you", {{"abc.age", "dir/\u4F60.jpg", std::string(32, '0')}, {"def.age", "b", std::string(32, 'f')}}};
  const auto back = wire::from_json<wire::Manifest>(wire::to_json(manifest));
  REQUIRE(back);
  CHECK(back->message == manifest.message);
  CHECK(back->files == manifest.files);
  CHECK_FALSE(wire::from_json<wire::Manifest>(R"({"files":[{"item":"x"}]})"));
}

TEST_CASE("the item of a pack, of which each of its files has a copy, is not longer than items are") {
  const auto read = [](const std::string& item) {
    return wire::from_json<wire::Manifest>(R"({"files":[{"item":")" + item + R"(","tag":")" + std::string(32, '0') +
                                           R"(","files":[{"name":"a","size":0},{"name":"b","size":0}]}]})");
  };
  const auto manifest = read(Id::random().text() + ".age");
  REQUIRE(manifest);
  CHECK(manifest->files.size() == 2);
  CHECK_FALSE(read(std::string(31, 'x')));
}
