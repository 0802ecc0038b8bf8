// How the tools speak to a server.
#pragma once

#include "http/client.h"
#include "wire/link.h"

namespace qrx::cli {

// As "qrx/VERSION", through the proxy that the environment asks for; times and interrupt are the caller's to set.
http::ClientOptions client_for(const wire::Origin& origin);

}  // namespace qrx::cli
