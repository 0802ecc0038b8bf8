#include "serve/operations/copy_data.h"

#include <memory>

namespace qrx::serve {

Result<space::Copied> copy_data(
    const DataOptions& from, const DataOptions& to,
    const std::function<void(const space::Copied&, const space::Catalog::Totals& all)>& tell) {
  const auto source = Data::take(from);
  if (!source) return tl::unexpected(source.error());
  // Uploads that a server left when it was killed become what they are worth.
  if (const auto recovered = (*source)->spaces().recover(); !recovered) return tl::unexpected(recovered.error());
  const auto all = (*source)->catalog().totals();
  if (!all) return tl::unexpected(all.error());
  const auto target = Data::make(to);
  if (!target) return tl::unexpected(target.error());
  return space::copy_spaces({(*source)->catalog(), (*source)->blobs()}, {(*target)->catalog(), (*target)->blobs()},
                            [&](const space::Copied& copied) { tell(copied, *all); });
}

}  // namespace qrx::serve
