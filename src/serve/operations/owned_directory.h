// The directory in which many nodes have their contents, told apart from others by the id of their catalog in it.
#pragma once

#include <string>

#include "base/result.h"
#include "space/blobs.h"
#include "space/catalog.h"

namespace qrx::serve {

// That it is the one of this catalog; a new one takes the id. A directory that is not mounted looks like an empty one:
// what is stored there no other node sees, and a sweep would forget what is to be removed. Kind::unavailable then, for
// it may be mounted later; Kind::usage: it is another catalog's.
Result<void> own_directory(const std::string& directory, space::Catalog& catalog, space::Blobs& blobs);

}  // namespace qrx::serve
