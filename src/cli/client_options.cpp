#include "cli/client_options.h"

#include "base/version.h"
#include "cli/proxy.h"

namespace qrx::cli {

http::ClientOptions client_for(const wire::Origin& origin) {
  http::ClientOptions client;
  client.user_agent = user_agent;
  client.proxy = proxy_for(origin);
  return client;
}

}  // namespace qrx::cli
