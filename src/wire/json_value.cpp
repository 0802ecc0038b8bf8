#include "wire/json_value.h"

#include <cstring>
#include <optional>

#include "base/text.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

// A value takes 32 bytes here, and as few as two of the text: 64 MiB of them would take a gigabyte. Of no message has a
// value less than 8 bytes on the average.
constexpr std::size_t most_values = most_json_bytes / 8;
constexpr std::size_t usual_value_bytes = 24;  // of the text, for each value of a list of files

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Neither the end of a text, nor an escape, nor what is not ASCII.
bool is_plain(char c) {
  return c >= ' ' && c < 0x7F && c != '"' && c != '\\';
}

}  // namespace

std::size_t JsonValue::size() const {
  std::size_t count = 0;
  for (auto it = begin(); it != end(); ++it) ++count;
  return count;
}

const JsonValue* JsonValue::find(std::string_view member) const {
  const JsonValue* found = nullptr;
  if (!is_object()) return found;
  for (const JsonValue& value : *this)
    if (value.name() == member) found = &value;
  return found;
}

// Of one document. Each step reads from at_ on, and is false where the text is not JSON.
class JsonReader {
 public:
  explicit JsonReader(JsonDocument& document, std::string_view text) : values_(document.values_) {
    document.text_ = std::make_unique_for_overwrite<char[]>(text.size() + 1);
    at_ = document.text_.get();
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    end_ = at_ + text.size();
    *end_ = '\0';  // no character of JSON: so the end is seen without a look at where it is
    values_.reserve(text.size() / usual_value_bytes + 8);
  }

  bool read() {
    // A mark of UTF-8 that some editors put in front.
    if (end_ - at_ >= 3 && std::memcmp(at_, "\xEF\xBB\xBF", 3) == 0) at_ += 3;
    skip_blanks();
    if (*at_ != '{' || !value(0)) return false;
    skip_blanks();
    return at_ == end_;
  }

 private:
  void skip_blanks() {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') ++at_;
  }

  bool word(std::string_view expected, JsonValue::Type type, JsonValue& out) {
    if (static_cast<std::size_t>(end_ - at_) < expected.size() ||
        std::memcmp(at_, expected.data(), expected.size()) != 0)
      return false;
    out.type_ = type;
    out.text_ = at_;
    out.size_ = static_cast<std::uint32_t>(expected.size());
    at_ += expected.size();
    return true;
  }

  bool digits() {
    if (!is_digit(*at_)) return false;
    while (is_digit(*at_)) ++at_;
    return true;
  }

  bool number(JsonValue& out) {
    out.type_ = JsonValue::Type::number;
    out.text_ = at_;
    if (*at_ == '-') ++at_;
    if (*at_ == '0')
      ++at_;
    else if (!digits())
      return false;
    if (*at_ == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (*at_ == 'e' || *at_ == 'E') {
      ++at_;
      if (*at_ == '+' || *at_ == '-') ++at_;
      if (!digits()) return false;
    }
    out.size_ = static_cast<std::uint32_t>(at_ - out.text_);
    return true;
  }

  // Four hexadecimal digits.
  std::optional<char32_t> unit() {
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = *at_;
      const int digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      value = value << 4 | static_cast<char32_t>(digit);
    }
    return value;
  }

  // Behind "\u". Half of a surrogate pair alone is no character.
  bool code_point(char*& to) {
    auto value = unit();
    if (!value || (*value >= 0xDC00 && *value <= 0xDFFF)) return false;
    if (*value >= 0xD800 && *value <= 0xDBFF) {
      if (at_[0] != '\\' || at_[1] != 'u') return false;
      at_ += 2;
      const auto low = unit();
      if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
      value = 0x10000 + ((*value - 0xD800) << 10) + (*low - 0xDC00);
    }
    const auto put = [&to](char32_t byte) { *to++ = static_cast<char>(static_cast<unsigned char>(byte)); };
    const char32_t c = *value;
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0U | c >> 6);
      put(0x80U | (c & 0x3FU));
    } else if (c < 0x10000) {
      put(0xE0U | c >> 12);
      put(0x80U | (c >> 6 & 0x3FU));
      put(0x80U | (c & 0x3FU));
    } else {
      put(0xF0U | c >> 18);
      put(0x80U | (c >> 12 & 0x3FU));
      put(0x80U | (c >> 6 & 0x3FU));
      put(0x80U | (c & 0x3FU));
    }
    return true;
  }

  // Behind the backslash. An escape is longer than what it stands for, so `to` stays behind at_.
  bool escape(char*& to) {
    constexpr std::string_view escapes = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
    const char c = *at_++;
    if (c == 'u') return code_point(to);
    const auto which = escapes.find(c);
    if (c == '\0' || which == std::string_view::npos) return false;
    *to++ = meant[which];
    return true;
  }

  // From the quote on.
  bool quoted(const char*& begin, std::uint32_t& size) {
    begin = ++at_;
    while (is_plain(*at_)) ++at_;
    char* to = at_;
    while (*at_ != '"') {
      if (is_plain(*at_)) {
        *to++ = *at_++;
      } else if (*at_ == '\\') {
        ++at_;
        if (!escape(to)) return false;
      } else if (static_cast<unsigned char>(*at_) < ' ') {
        return false;  // also the end
      } else {
        std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
        if (!take_code_point(rest)) return false;
        const auto bytes = static_cast<std::size_t>(rest.data() - at_);
        std::memmove(to, at_, bytes);
        to += bytes;
        at_ += bytes;
      }
    }
    ++at_;
    size = static_cast<std::uint32_t>(to - begin);
    return true;
  }

  // What a list or an object holds, and its end.
  bool parts(bool named, int depth) {
    const char last = named ? '}' : ']';
    ++at_;
    skip_blanks();
    if (*at_ == last) {
      ++at_;
      return true;
    }
    for (;;) {
      const char* name = nullptr;
      std::uint32_t name_size = 0;
      if (named) {
        if (*at_ != '"' || !quoted(name, name_size)) return false;
        skip_blanks();
        if (*at_++ != ':') return false;
        skip_blanks();
      }
      const std::size_t index = values_.size();
      if (!value(depth)) return false;
      values_[index].name_ = name;
      values_[index].name_size_ = name_size;
      skip_blanks();
      const char c = *at_++;
      if (c == last) return true;
      if (c != ',') return false;
      skip_blanks();
    }
  }

  bool value(int depth) {
    if (values_.size() == most_values) return false;
    const std::size_t index = values_.size();
    values_.emplace_back();
    JsonValue& out = values_.back();
    switch (*at_) {
      case '"':
        out.type_ = JsonValue::Type::text;
        return quoted(out.text_, out.size_);
      case 't':
        return word("true", JsonValue::Type::truth, out);
      case 'f':
        return word("false", JsonValue::Type::truth, out);
      case 'n':
        return word("null", JsonValue::Type::null, out);
      case '{':
      case '[': {
        const bool named = *at_ == '{';
        out.type_ = named ? JsonValue::Type::object : JsonValue::Type::list;
        if (depth == most_json_depth || !parts(named, depth + 1)) return false;
        values_[index].span_ = static_cast<std::uint32_t>(values_.size() - index);
        return true;
      }
      default:
        return number(out);
    }
  }

  std::vector<JsonValue>& values_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

Result<JsonDocument> read_object(std::string_view text) {
  if (text.size() > most_json_bytes) return fail(Kind::usage, "the message is over 64 MiB");
  JsonDocument document;
  if (!JsonReader(document, text).read()) return fail(Kind::usage, "the message is not a JSON object");
  return document;
}

}  // namespace qrx::wire
