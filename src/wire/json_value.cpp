#include "wire/json_value.h"

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "wire/json_text.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

// A value takes 32 bytes here, and as few as two of the text: 64 MiB of them would take a gigabyte. Of no message has a
// value less than 8 bytes on the average.
constexpr std::size_t most_values = most_json_bytes / 8;
constexpr std::size_t usual_value_bytes = 24;  // of the text, for each value of a list of files

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

// Takes what the JSON library reads, one event after the other; false ends the reading.
class JsonReader : public nlohmann::json_sax<json> {
 public:
  explicit JsonReader(JsonDocument& document, std::string_view text) : values_(document.values_) {
    // Quotes and escapes take more room than what they stand for: all that is said fits.
    document.text_ = std::make_unique_for_overwrite<char[]>(text.size() + 1);
    at_ = document.text_.get();
    end_ = at_ + text.size();
    values_.reserve(text.size() / usual_value_bytes + 8);
  }

  bool null() override { return add(JsonValue::Type::null, "null"); }
  bool boolean(bool value) override { return add(JsonValue::Type::truth, value ? "true" : "false"); }
  // Of what begins with a minus; "-0" is no count either.
  bool number_integer(json::number_integer_t value) override {
    return value == 0 ? add(JsonValue::Type::number, "-0") : add_number(value);
  }
  bool number_unsigned(json::number_unsigned_t value) override { return add_number(value); }
  bool number_float(json::number_float_t, const std::string& text) override {
    return add(JsonValue::Type::number, text);
  }
  bool string(std::string& value) override { return add(JsonValue::Type::text, value); }
  bool binary(json::binary_t&) override { return false; }  // of other formats
  bool key(std::string& name) override { return keep(name, name_, name_size_); }
  bool start_object(std::size_t) override { return begin(JsonValue::Type::object); }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return begin(JsonValue::Type::list); }
  bool end_array() override { return end(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool keep(std::string_view text, const char*& begin, std::uint32_t& size) {
    if (static_cast<std::size_t>(end_ - at_) < text.size()) return false;
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    begin = at_;
    size = static_cast<std::uint32_t>(text.size());
    at_ += text.size();
    return true;
  }

  bool add(JsonValue::Type type, std::string_view text) {
    if (values_.size() == most_values) return false;
    JsonValue& out = values_.emplace_back();
    out.type_ = type;
    out.name_ = std::exchange(name_, nullptr);
    out.name_size_ = std::exchange(name_size_, 0);
    return keep(text, out.text_, out.size_);
  }

  template <class Number>
  bool add_number(Number value) {
    std::array<char, 24> digits;
    const auto [last, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() &&
           add(JsonValue::Type::number, {digits.data(), static_cast<std::size_t>(last - digits.data())});
  }

  bool begin(JsonValue::Type type) {
    if (depth_ == open_.size()) return false;
    open_[depth_++] = values_.size();
    return add(type, {});
  }

  bool end() {
    const std::size_t index = open_[--depth_];
    values_[index].span_ = static_cast<std::uint32_t>(values_.size() - index);
    return true;
  }

  std::vector<JsonValue>& values_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  const char* name_ = nullptr;  // of the value that comes next
  std::uint32_t name_size_ = 0;
  std::array<std::size_t, most_json_depth> open_{};  // lists and objects that have not ended
  std::size_t depth_ = 0;
};

Result<JsonDocument> read_object(std::string_view text) {
  if (text.size() > most_json_bytes) return fail(Kind::usage, "the message is over 64 MiB");
  JsonDocument document;
  JsonReader reader(document, text);
  if (!json::sax_parse(text, &reader) || !document.root().is_object())
    return fail(Kind::usage, "the message is not a JSON object");
  return document;
}

}  // namespace qrx::wire
