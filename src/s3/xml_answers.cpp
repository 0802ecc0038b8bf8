#include "s3/xml_answers.h"

#include <expat.h>

#include <charconv>
#include <functional>
#include <memory>

#include "base/text.h"

namespace qrx::s3 {
namespace {

constexpr std::size_t deepest = 8;
constexpr std::size_t most_text = 8192;  // of one element: a key has 1,024 bytes, escaped three times as many

// Calls `leaf` with the path ("ListBucketResult/Contents/Key") and the text of each element that ends, and `opens` with
// the path of each that begins. No document type is taken, so that there are no entities.
class Reader {
 public:
  std::function<void(const std::string& path)> opens;
  std::function<void(const std::string& path, const std::string& text)> leaf;

  bool read(std::string_view xml) {
    const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate("UTF-8"),
                                                                              XML_ParserFree);
    if (!parser) return false;
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, on_start, on_end);
    XML_SetCharacterDataHandler(parser_, on_text);
    // Entities could be nested to make gigabytes of a few bytes ("billion laughs"), or name files: without a DTD there
    // are none.
    XML_SetStartDoctypeDeclHandler(parser_, on_doctype);
    if (xml.size() > most_bytes) return false;
    const bool whole = XML_Parse(parser_, xml.data(), static_cast<int>(xml.size()), XML_TRUE) == XML_STATUS_OK;
    return whole && !stopped_;
  }

 private:
  static constexpr std::size_t most_bytes = 8U << 20;

  // expat calls the handlers some more times after it was asked to stop: each looks at `stopped_` first.
  void stop() {
    stopped_ = true;
    XML_StopParser(parser_, XML_FALSE);
  }
  static void on_doctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    static_cast<Reader*>(user)->stop();
  }
  static void on_start(void* user, const XML_Char* name, const XML_Char**) {
    auto& reader = *static_cast<Reader*>(user);
    if (reader.stopped_) return;
    if (reader.depth_ == deepest) return reader.stop();
    ++reader.depth_;
    if (!reader.path_.empty()) reader.path_ += '/';
    reader.path_ += name;
    reader.text_.clear();
    if (reader.opens) reader.opens(reader.path_);
  }
  static void on_text(void* user, const XML_Char* text, int size) {
    auto& reader = *static_cast<Reader*>(user);
    if (reader.stopped_) return;
    if (reader.text_.size() + static_cast<std::size_t>(size) > most_text) return reader.stop();
    reader.text_.append(text, static_cast<std::size_t>(size));
  }
  static void on_end(void* user, const XML_Char*) {
    auto& reader = *static_cast<Reader*>(user);
    if (reader.stopped_) return;
    reader.leaf(reader.path_, reader.text_);
    const auto slash = reader.path_.rfind('/');
    reader.path_.resize(slash == std::string::npos ? 0 : slash);
    reader.text_.clear();
    --reader.depth_;
  }

  XML_Parser parser_ = nullptr;
  std::string path_, text_;
  std::size_t depth_ = 0;
  bool stopped_ = false;
};

bool to_number(const std::string& text, std::uint64_t& out) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// 2026-11-30T19:00:00.000Z
bool to_time(std::string text, WallTime& out) {
  if (const auto dot = text.find('.'); dot != std::string::npos) {
    const auto end = text.find_first_not_of("0123456789", dot + 1);
    text.erase(dot, end == std::string::npos ? end : end - dot);
  }
  const auto time = from_rfc3339(text);
  if (time) out = *time;
  return time.has_value();
}

}  // namespace

Result<ListPage> parse_list(std::string_view xml) {
  ListPage page;
  bool sound = true, listed = false, truncated = false, escaped = false;
  Reader reader;
  reader.opens = [&](const std::string& path) {
    if (path == "ListBucketResult") listed = true;
    if (path == "ListBucketResult/Contents") page.objects.emplace_back();
  };
  reader.leaf = [&](const std::string& path, const std::string& text) {
    if (path == "ListBucketResult/EncodingType") escaped = text == "url";
    if (path == "ListBucketResult/IsTruncated") truncated = text == "true";
    if (path == "ListBucketResult/NextContinuationToken") page.next = text;
    if (path == "ListBucketResult/Contents/Key") page.objects.back().key = text;
    if (path == "ListBucketResult/Contents/Size") sound = to_number(text, page.objects.back().size) && sound;
    if (path == "ListBucketResult/Contents/LastModified") sound = to_time(text, page.objects.back().modified) && sound;
  };
  if (!reader.read(xml) || !sound || !listed) return fail(Kind::unavailable, "the S3 store sent a malformed listing");
  // Or files behind this page would be taken for missing.
  if (truncated && page.next.empty()) return fail(Kind::unavailable, "the S3 store sent a listing without its end");
  if (!truncated) page.next.clear();
  for (Listed& object : page.objects) {
    std::string key;
    if (escaped && !percent_decode(object.key, key))
      return fail(Kind::unavailable, "the S3 store sent a malformed listing");
    if (escaped) object.key = std::move(key);
    // A name was asked for, and an empty one would mean the whole bucket.
    if (object.key.empty()) return fail(Kind::unavailable, "the S3 store sent a malformed listing");
  }
  return page;
}

StoreError parse_error(std::string_view xml) {
  StoreError error;
  Reader reader;
  reader.leaf = [&](const std::string& path, const std::string& text) {
    if (path == "Error/Code") error.code = text;
    if (path == "Error/Message") error.message = text;
    if (path == "Error/Region") error.region = text;
  };
  if (!reader.read(xml)) return {};
  return error;
}

}  // namespace qrx::s3
