#include "wire/resource.h"

#include <algorithm>

#include "base/text.h"

namespace qrx::wire {
namespace {

// {guid}, {item} and {token} are one part each; {name} is the rest, one part or more.
struct Address {
  Resource resource;
  std::string_view pattern;
};

// The first that fits is meant: {name} stands behind the words that it could be.
constexpr Address addresses[] = {
    {Resource::home, "/"},
    {Resource::scan_page, "/scan"},
    {Resource::share_target, "/share"},
    {Resource::app_manifest, "/app.webmanifest"},
    {Resource::app_worker, "/app_worker.js"},
    {Resource::asset, "/assets/{name}"},
    {Resource::health, "/healthz"},
    {Resource::ready, "/readyz"},
    {Resource::spaces, "/api/v1/spaces"},
    {Resource::space, "/api/v1/spaces/{guid}"},
    {Resource::file, "/api/v1/spaces/{guid}/files/{item}"},
    {Resource::open_upload, "/api/v1/spaces/{guid}/uploads/{item}"},
    {Resource::open_delivery, "/api/v1/spaces/{guid}/deliveries/{item}"},
    {Resource::receipt, "/api/v1/spaces/{guid}/deliveries/{item}/receipt"},
    {Resource::contents, "/api/v1/spaces/{guid}/deliveries/{item}/contents"},
    {Resource::shares, "/api/v1/spaces/{guid}/shares"},
    {Resource::share, "/api/v1/spaces/{guid}/shares/{item}"},
    {Resource::owner_page, "/s/{guid}"},
    {Resource::link, "/d/{token}"},
    {Resource::link_opened, "/d/{token}/opened"},
    {Resource::link_file, "/d/{token}/files/{item}"},
    {Resource::link_all, "/d/{token}/all.zip"},
    {Resource::drop, "/u/{guid}"},
    {Resource::uploads, "/u/{guid}/uploads"},
    {Resource::upload, "/u/{guid}/uploads/{item}"},
    {Resource::deliveries, "/u/{guid}/deliveries"},
    {Resource::delivery, "/u/{guid}/deliveries/{item}"},
    {Resource::commit, "/u/{guid}/deliveries/{item}/commit"},
    {Resource::delivery_files, "/u/{guid}/deliveries/{item}/files"},
    {Resource::delivery_file, "/u/{guid}/deliveries/{item}/files/{name}"},
    {Resource::drop_file, "/u/{guid}/{name}"},
    {Resource::control_sweep, "/control/sweep"},
    {Resource::control_check, "/control/check"},
    {Resource::control_spaces, "/control/spaces"},
    {Resource::control_space, "/control/spaces/{guid}"},
};

constexpr std::string_view pattern_of(Resource resource) {
  for (const Address& address : addresses)
    if (address.resource == resource) return address.pattern;
  return "/";
}

// Takes the next part off the front of "/part/rest"; what stays begins with '/' or is empty.
std::string_view take_part(std::string_view& path) {
  path.remove_prefix(1);
  const auto slash = path.find('/');
  const std::string_view part = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  return part;
}

bool at_end(std::string_view rest) {
  return rest.empty() || rest == "/";
}

// What PUT may mean below /u/{guid}. Other words are names there: "curl -T uploads LINK/" must save a file of that
// name. So is a delivery whose id is malformed a part of a name.
bool takes_put(const Target& target) {
  switch (target.resource) {
    case Resource::uploads:
    case Resource::upload:
    case Resource::deliveries:
    case Resource::delivery:
    case Resource::commit:
    case Resource::delivery_files:
      return false;
    case Resource::delivery_file:
      return target.item != Id{};
    default:
      return true;
  }
}

enum class Fit : std::uint8_t { no, yes, broken };  // broken: a name with a wrong percent escape

Fit fit(const Address& address, std::string_view path, bool is_put, Target& out) {
  out = Target{.resource = address.resource};
  std::string_view pattern = at_end(address.pattern) ? std::string_view() : address.pattern;
  while (!pattern.empty()) {
    const std::string_view word = take_part(pattern);
    if (at_end(path)) return Fit::no;
    if (word == "{name}") {
      if (is_put && !takes_put(out)) return Fit::no;
      return percent_decode(path.substr(1), out.name) ? Fit::yes : Fit::broken;
    }
    const std::string_view part = take_part(path);
    // An id that does not parse is not "no such resource": the answer is the same as for an unknown space
    // (Kind::not_found), so that it tells nothing about which ids exist.
    if (word == "{guid}")
      out.guid = Id::parse(part).value_or(Id{});
    else if (word == "{item}")
      out.item = Id::parse(part).value_or(Id{});
    else if (word == "{token}")
      out.token = part;
    else if (!equal_ignoring_case(part, word))
      return Fit::no;
  }
  return at_end(path) && (!is_put || takes_put(out)) ? Fit::yes : Fit::no;
}

std::string encoded_name(std::string_view name) {
  std::string out;
  while (true) {
    const auto slash = name.find('/');
    out += percent_encode_segment(name.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    out += '/';
    name.remove_prefix(slash + 1);
  }
}

std::string short_id(const Id& id) {
  // Six characters tell the lines of a log apart, and are not enough to use what they name.
  return id == Id{} ? "?" : id.text().substr(0, 6) + "…";
}

// The pattern with `put_in` for each part in braces.
template <class PutIn>
std::string filled(std::string_view pattern, PutIn put_in) {
  std::string out;
  while (!pattern.empty()) {
    const std::string_view word = take_part(pattern);
    out += '/';
    out += word.starts_with('{') ? put_in(word) : std::string(word);
  }
  return out;
}

}  // namespace

std::optional<Target> parse_target(std::string_view path, std::string_view prefix, bool is_put) {
  // A whole part: "/qrx" is no prefix of "/qrxother".
  if (!prefix.empty() && path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/'))
    path.remove_prefix(prefix.size());
  Target target;
  for (const Address& address : addresses) {
    const Fit found = fit(address, path, is_put, target);
    if (found == Fit::yes) return target;
    // A broken escape has one meaning for all patterns: none that comes later could fit.
    if (found == Fit::broken) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> with_its_fragment(std::string_view path, const std::string& prefix) {
  const auto mark = path.find("%23");
  if (mark == std::string_view::npos) return std::nullopt;
  const auto target = parse_target(path.substr(0, mark), prefix, false);
  const std::string_view fragment = path.substr(mark + 3);
  // Where a browser is sent to holds nothing but what keys and tokens are made of: no scheme, no markup, no line break.
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
  if (!target || fragment.find_first_not_of(letters) != std::string_view::npos) return std::nullopt;
  const bool of_space = target->resource == Resource::drop || target->resource == Resource::owner_page;
  const bool of_share = target->resource == Resource::link && !target->token.empty() &&
                        target->token.find_first_not_of(letters) == std::string::npos;
  if (!of_share && !(of_space && target->guid != Id{})) return std::nullopt;
  return prefix + path_of(*target) + "#" + std::string(fragment);
}

std::string path_of(const Target& target) {
  return filled(pattern_of(target.resource), [&](std::string_view word) {
    if (word == "{guid}") return target.guid.text();
    if (word == "{item}") return target.item.text();
    return word == "{token}" ? target.token : encoded_name(target.name);
  });
}

std::string loggable(const Target& target) {
  return filled(pattern_of(target.resource), [&](std::string_view word) -> std::string {
    if (word == "{guid}") return short_id(target.guid);
    return word == "{item}" ? short_id(target.item) : "*";
  });
}

std::optional<Id> upload_of(std::string_view address, const Id& guid) {
  if (address.ends_with('/')) address.remove_suffix(1);
  const auto last = address.rfind('/');
  if (last == std::string_view::npos) return std::nullopt;
  const auto upload = Id::parse(address.substr(last + 1));
  const std::string place = path_of({.resource = Resource::uploads, .guid = guid});
  // Host and prefix are not compared: a client may know the server by another name than the server itself does.
  const std::string_view before = address.substr(0, last);
  if (!upload || before.size() < place.size() ||
      !equal_ignoring_case(before.substr(before.size() - place.size()), place))
    return std::nullopt;
  return upload;
}

}  // namespace qrx::wire
