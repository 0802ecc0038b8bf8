// A space with one of each thing in it, and requests for them that only a missing right can refuse.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "unit/catch.h"
#include "unit/serve_site.h"

namespace qrx::test {

// One space with a committed file, an upload that runs and a delivery that is open.
struct Things {
  explicit Things(SiteWorld& world) : created(world.world.create()) {
    const Guid& guid = created.space.guid;
    REQUIRE(world.put(guid, "a.txt", "hello").status == 201);
    const auto info = world.world.spaces->view(guid, created.token.text());
    REQUIRE(info);
    file = info->deliveries.at(0).files.at(0).file;
    sent = info->deliveries.at(0).delivery;
    upload = world.world.spaces->create_upload(guid, new_upload("b.bin", 4))->upload;
    delivery = world.world.spaces->open_delivery(guid, {})->delivery;
    REQUIRE(world.world.spaces->put_small(guid, delivery, "c.txt", as_bytes("c")));
    wire::CreateShares wish;
    wish.recipients = {"a@example.org"};
    const auto shared = world.shares.create(guid, created.token.text(), wish);
    REQUIRE(shared);
    share = shared->shares.shares.at(0).share;
    link = shared->shares.shares.at(0).token;
  }
  space::Created created;
  Id file, sent, upload, delivery, share;
  std::string link;  // its token
};

inline std::string path_of(std::string pattern, const Guid& guid, const Things& things) {
  const std::pair<std::string, std::string> words[] = {{"{guid}", guid.text()},
                                                       {"{file}", things.file.text()},
                                                       {"{sent}", things.sent.text()},
                                                       {"{upload}", things.upload.text()},
                                                       {"{delivery}", things.delivery.text()},
                                                       {"{share}", things.share.text()},
                                                       {"{link}", things.link}};
  for (const auto& [word, value] : words)
    if (const auto at = pattern.find(word); at != std::string::npos) pattern.replace(at, word.size(), value);
  return pattern;
}

// A request that the route would take, so that only the right decides.
inline Asked sound(const std::string& method, const std::string& path) {
  Asked asked;
  asked.method = method;
  asked.path = path;
  asked.headers.push_back({"Tus-Resumable", "1.0.0"});
  if (method == "PATCH" && path.find("/uploads/") != std::string::npos) {
    asked.headers.push_back({"Upload-Offset", "0"});
    asked.headers.push_back({"Content-Type", "application/offset+octet-stream"});
    asked.body = "data";
  } else if (method == "POST" && path.ends_with("/uploads")) {
    asked.headers.push_back({"Upload-Length", "4"});
  } else if (method == "POST" && path.size() == 29) {  // /u/{guid}
    asked.headers.push_back({"Content-Type", "multipart/form-data; boundary=X"});
    asked.body = "--X\r\nContent-Disposition: form-data; name=f; filename=d\r\n\r\nd\r\n--X--\r\n";
  } else if (method == "POST" && path.ends_with("/shares")) {
    asked.body = R"({"recipients":["b@example.org"]})";
  } else if (method == "PATCH" && path.find("/shares/") != std::string::npos) {
    asked.body = R"({"state":"sent"})";
  } else if (method == "POST" && path.ends_with("/receipt")) {
    asked.body = R"({"state":"saved"})";
  } else if (method == "PATCH" || method == "POST") {
    asked.body = "{}";
  } else if (method == "PUT") {
    asked.body = "put";
  }
  return asked;
}

inline serve::SiteOptions without_rate() {
  serve::SiteOptions options;
  options.create_rate = 0;
  return options;
}

// Nobody asks often enough to be refused for it.
inline std::string next_peer() {
  static unsigned count = 0;
  ++count;
  return "198.51." + std::to_string(count / 250) + "." + std::to_string(count % 250);
}

}  // namespace qrx::test
