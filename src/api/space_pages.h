// A space that its server tells in several pages, read as one.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/result.h"
#include "wire/delivery.h"

namespace qrx::api {

// Kind::other when there are more pages than any space has.
Result<void> check_pages(std::size_t pages);
std::string query_of_page(const std::string& next);

// `first` and all pages that follow it. `ask` gets one of them by its query. What is committed between two pages stands
// on a later one, and moves the seq beyond that of the first.
template <class Page, class Ask>
Result<Page> with_all_pages(Result<Page> first, Ask&& ask) {
  for (std::size_t pages = 1; first && !first->next.empty(); ++pages) {
    if (auto fits = check_pages(pages); !fits) return tl::unexpected(fits.error());
    auto more = ask(query_of_page(first->next));
    if (!more) return more;
    wire::append_page(first->deliveries, std::move(more->deliveries));
    first->next = std::move(more->next);
  }
  return first;
}

}  // namespace qrx::api
