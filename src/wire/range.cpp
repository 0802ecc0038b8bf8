#include "wire/range.h"

#include <algorithm>

#include "base/text.h"
#include "wire/tus.h"

namespace qrx::wire {
namespace {

std::string bounds(const ByteRange& range) {
  return std::to_string(range.first) + '-' + std::to_string(range.first + range.size - 1);
}

}  // namespace

ChosenRange choose_range(std::optional<std::string_view> range, std::optional<std::string_view> if_range,
                         std::string_view etag, std::uint64_t length) {
  const ChosenRange whole{RangeChoice::whole, {0, length}};
  if (!range) return whole;
  // RFC 9110, 13.1.5: a part of one version behind a part of another would be a broken file, so the whole is sent.
  if (if_range && (etag.empty() || *if_range != etag)) return whole;

  const auto equals = range->find('=');
  // RFC 9110, 14.2: a Range that is not understood is ignored, so the whole is sent.
  if (equals == std::string_view::npos || !equal_ignoring_case(range->substr(0, equals), "bytes")) return whole;
  const std::string_view spec = trim(range->substr(equals + 1));
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view from = spec.substr(0, dash);
  const std::string_view to = spec.substr(dash + 1);

  if (from.empty()) {  // the last N bytes
    const auto count = parse_number(to);
    if (!count) return whole;
    // RFC 9110, 14.1.2: "bytes=-0" is well-formed and asks for nothing.
    if (*count == 0 || length == 0) return {RangeChoice::unsatisfiable, {}};
    const std::uint64_t size = std::min(*count, length);
    return {RangeChoice::part, {length - size, size}};
  }
  // Of several ranges ("0-1,5-6") `to` is no number: they get the whole.
  const auto first = parse_number(from);
  const auto last = to.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : parse_number(to);
  if (!first || !last || *last < *first) return whole;
  if (*first >= length) return {RangeChoice::unsatisfiable, {}};
  return {RangeChoice::part, {*first, std::min(*last, length - 1) - *first + 1}};
}

std::string content_range(const ByteRange& range, std::uint64_t length) {
  return "bytes " + bounds(range) + '/' + std::to_string(length);
}

std::string content_range_unsatisfied(std::uint64_t length) {
  return "bytes */" + std::to_string(length);
}

bool etag_list_holds(std::string_view list, std::string_view etag, bool weak) {
  list = trim(list);
  // RFC 9110, 13.1.1: whatever version is there.
  if (list == "*") return true;
  while (!list.empty()) {
    const bool is_weak = list.starts_with("W/");
    if (is_weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;
    const auto quote = list.find('"', 1);
    if (quote == std::string_view::npos) return false;
    // RFC 9110, 13.1.1 and 13.1.2: If-Match compares strongly, If-None-Match weakly.
    if (list.substr(0, quote + 1) == etag && (weak || !is_weak)) return true;
    list = trim(list.substr(quote + 1));
    if (!list.starts_with(',')) return false;
    list = trim(list.substr(1));
  }
  return false;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  if (text.size() < unit.size() || !equal_ignoring_case(text.substr(0, unit.size()), unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = parse_number(text.substr(0, dash));
  const auto last = parse_number(text.substr(dash + 1, slash - dash - 1));
  const std::string_view whole = text.substr(slash + 1);
  const auto length = parse_number(whole);
  if (!first || !last || *last < *first || (!length && whole != "*")) return std::nullopt;
  if (length && *last >= *length) return std::nullopt;
  return ContentRange{{*first, *last - *first + 1}, length};
}

}  // namespace qrx::wire
