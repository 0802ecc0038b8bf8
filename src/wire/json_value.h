// JSON that is read, as one array of values beside one of text: a list of thousands of files is read faster than by
// making a tree of it, with a piece of memory for each name and each text. Private to src/wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qrx::wire {

// A value, and behind it in the array of its document those that it holds. It lives as long as its document does.
class JsonValue {
 public:
  enum class Type : std::uint8_t { null, truth, number, text, list, object };

  bool is_null() const { return type_ == Type::null; }
  bool is_truth() const { return type_ == Type::truth; }
  bool is_number() const { return type_ == Type::number; }
  bool is_text() const { return type_ == Type::text; }
  bool is_list() const { return type_ == Type::list; }
  bool is_object() const { return type_ == Type::object; }

  std::string_view name() const { return {name_, name_size_}; }  // of a member of an object; else empty
  // Of a text what it says; of all else its JSON ("true", "-15"), but for lists and objects.
  std::string_view text() const { return {text_, size_}; }

  // What a list or an object holds; nothing of any other.
  class Iterator {
   public:
    explicit Iterator(const JsonValue* at) : at_(at) {}
    const JsonValue& operator*() const { return *at_; }
    Iterator& operator++() {
      at_ += at_->span_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const JsonValue* at_;
  };
  Iterator begin() const { return Iterator(this + 1); }
  Iterator end() const { return Iterator(this + span_); }
  std::size_t size() const;                              // by counting
  const JsonValue* find(std::string_view member) const;  // the last of this name; null: there is none

 private:
  friend class JsonReader;
  const char* name_ = nullptr;
  const char* text_ = nullptr;
  std::uint32_t name_size_ = 0, size_ = 0;
  std::uint32_t span_ = 1;  // itself and what it holds
  Type type_ = Type::null;
};

class JsonDocument {
 public:
  const JsonValue& root() const { return values_.front(); }  // an object

 private:
  friend class JsonReader;
  std::unique_ptr<char[]> text_;  // that the values show, one behind the other
  std::vector<JsonValue> values_;
};

// One object, strictly by RFC 8259, in UTF-8: at most 64 MiB, a nesting of 16, and 8 million values.
Result<JsonDocument> read_object(std::string_view text);

}  // namespace qrx::wire
