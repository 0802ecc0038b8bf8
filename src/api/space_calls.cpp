#include "api/space_calls.h"

#include <algorithm>
#include <memory>

#include "api/owner_client.h"
#include "api/requests.h"
#include "api/retry.h"
#include "api/share_client.h"
#include "wire/resource.h"

namespace qrx::api {
namespace {

constexpr Millis least_patience{2'000};  // one cut on the way is no reason to give up
constexpr std::size_t most_answer_bytes = 1U << 20;
constexpr int not_implemented = 501;  // what a server of files alone answers to POST

class SpaceCreator : public Requests {
 public:
  using Requests::Requests;

  Result<wire::SpaceCreated> create(const http::ClientRequest& request) {
    auto answer = http_.request(request, most_answer_bytes);
    const int status = answer ? answer->status : 0;
    auto created = granted(std::move(answer), "open a space");
    // A redirect: its error names the address to use instead.
    if (status >= 300 && status < 400) return tl::unexpected(created.error());
    // A web server, but not ours: trying again would bring the same.
    // Or a program of another kind: no server of ours answers this address so.
    if (status != 0 && status != 201 &&
        (status < 400 || status == not_implemented || (!created && created.error().kind == Kind::not_found)))
      return fail(Kind::other, http_.origin().url() + " is not a qrx server: it answered " + std::to_string(status));
    if (!created && status == 400) created.error().kind = Kind::usage;  // a label that is too long, and the like
    if (!created) return tl::unexpected(created.error());
    auto space = wire::from_json<wire::SpaceCreated>(created->body);
    if (!space) return fail(Kind::other, "the server's answer is malformed", "is this a qrx server?");
    return space;
  }
};

}  // namespace

Result<wire::SpaceCreated> create_space(const wire::Origin& origin, const wire::CreateSpace& wish,
                                        const http::ClientOptions& options, const std::string& create_token,
                                        Millis patience) {
  http::ClientOptions own = options;
  if (!own.interrupt) own.interrupt = std::make_shared<http::Interrupt>();
  http::ClientRequest request;
  request.method = "POST";
  request.target = wire::path_of({wire::Resource::spaces});
  request.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  if (!create_token.empty()) request.headers.push_back({"Authorization", "Bearer " + create_token});
  request.has_body = true;
  request.body = wire::to_json(wish);
  SpaceCreator creator(origin, own);
  // Short pauses: somebody waits for the code to appear.
  const RetryPolicy policy{Millis{50}, Millis{1000}, std::max(patience, least_patience)};
  return retry(creator, Backoff(*own.interrupt, policy, nullptr), [&] { return creator.create(request); });
}

Result<wire::SpaceInfo> look_at_space(const wire::OwnerLink& link, const http::ClientOptions& options) {
  return ShareClient(link, options, Millis{0}).space();
}

Result<wire::SpaceInfo> change_space(const wire::OwnerLink& link, const wire::ChangeSpace& change,
                                     const http::ClientOptions& options) {
  return OwnerClient(link, options).change(change);
}

Result<void> delete_space(const wire::OwnerLink& link, const http::ClientOptions& options,
                          std::optional<std::uint64_t> deliveries) {
  return OwnerClient(link, options).remove(deliveries);
}

}  // namespace qrx::api
