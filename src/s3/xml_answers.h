// What an S3 store answers in XML: pages of a listing, and errors. Pure; the text is taken for hostile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qrx::s3 {

struct Listed {
  std::string key;
  std::uint64_t size = 0;
  WallTime modified;  // by the store's clock
};

struct ListPage {
  std::vector<Listed> objects;
  std::string next;  // continuation token; empty: this was the last
  WallTime now{};    // by the store's clock
};

Result<ListPage> parse_list(std::string_view xml);  // of ListObjectsV2 with encoding-type=url; Kind::unavailable

struct StoreError {
  std::string code, message;  // empty when it is not an S3 error
  std::string region;         // where the bucket is, if it says so
};
StoreError parse_error(std::string_view xml);

}  // namespace qrx::s3
