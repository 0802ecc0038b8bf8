// What an S3 store, or somebody in its place, answers in XML: nothing of it harms us.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "s3/xml_answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto page = qrx::s3::parse_list(text))
    for (const auto& object : page->objects)
      if (object.key.empty()) std::abort();
  (void)qrx::s3::parse_error(text);
  return 0;
}
