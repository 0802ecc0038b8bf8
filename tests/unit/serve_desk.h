// One space of a site, with requests by its owner and by its senders.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "unit/catch.h"
#include "unit/serve_site.h"
#include "wire/messages.h"

namespace qrx::test {

struct Desk : SiteWorld {
  explicit Desk(const wire::CreateSpace& wish = {}) : created(world.create(wish)) {}
  const Guid& guid() const { return created.space.guid; }

  Got owner(const std::string& path = {}, const std::string& query = {}, std::vector<http::Header> headers = {},
            const std::string& method = "GET", bool time_over = true, const std::string& body = {}) {
    Asked asked;
    asked.method = method;
    asked.path = "/api/v1/spaces/" + guid().text() + path;
    asked.query = query;
    asked.headers = std::move(headers);
    asked.headers.push_back({"Authorization", bearer(created.token)});
    asked.body = body;
    return ask(asked, time_over);
  }
  Got drop(const std::string& method, const std::string& path, std::vector<http::Header> headers = {},
           const std::string& body = {}, bool chunked = false) {
    Asked asked;
    asked.method = method;
    asked.path = "/u/" + guid().text() + path;
    asked.headers = std::move(headers);
    asked.body = body;
    asked.has_body = chunked || !body.empty();
    asked.chunked = chunked;
    return ask(asked);
  }
  wire::SpaceInfo info() {
    const auto read = wire::from_json<wire::SpaceInfo>(owner().body);
    REQUIRE(read);
    return *read;
  }

  space::Created created;
};

inline const http::Header tus{"Tus-Resumable", "1.0.0"};
inline const http::Header chunk{"Content-Type", "application/offset+octet-stream"};

inline std::string id_in(const std::string& location) {
  return location.substr(location.rfind('/'));
}

}  // namespace qrx::test
