#include "wire/age_text.h"

namespace qrx::wire {
namespace {

bool is_key(std::string_view text, std::string_view start, std::string_view alphabet, std::size_t size) {
  return text.size() == size && text.starts_with(start) &&
         text.substr(start.size()).find_first_not_of(alphabet) == std::string_view::npos;
}

}  // namespace

bool is_age_recipient(std::string_view text) {
  return is_key(text, "age1", "qpzry9x8gf2tvdw0s3jn54khce6mua7l", age_recipient_size);
}

bool is_age_identity(std::string_view text) {
  return is_key(text, "AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", age_identity_size);
}

}  // namespace qrx::wire
