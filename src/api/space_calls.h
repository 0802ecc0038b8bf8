// Opening, reading, changing and deleting a space, each in one call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::api {

// Opens a space on a server. `create_token` is asked for by servers with --create token; empty: none.
// Retries trouble of network and server for `patience` (2 s at least). A lost answer leaves a space that nobody knows
// and that expires.
Result<wire::SpaceCreated> create_space(const wire::Origin& origin, const wire::CreateSpace& wish,
                                        const http::ClientOptions& client, const std::string& create_token = {},
                                        Millis patience = Millis{3'000});

// What is in it, and how long it stays. Tried once.
Result<wire::SpaceInfo> look_at_space(const wire::OwnerLink& link, const http::ClientOptions& client);

// Gives what the space is then: a server may grant less time than was asked for. Tried once.
Result<wire::SpaceInfo> change_space(const wire::OwnerLink& link, const wire::ChangeSpace& change,
                                     const http::ClientOptions& client);

// Deletes a space; with `deliveries` only while it holds so many, else Kind::conflict. A space that is gone already is
// no error. Tried once.
Result<void> delete_space(const wire::OwnerLink& link, const http::ClientOptions& client,
                          std::optional<std::uint64_t> deliveries = {});

}  // namespace qrx::api
