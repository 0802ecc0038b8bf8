#include "serve/target.h"

#include "base/text.h"

namespace qrx::serve {
namespace {

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
bool is(std::string_view part, std::string_view word) {
  return equal_ignoring_case(part, word);
}
Id id_of(std::string_view part) {
  return Id::parse(part).value_or(Id{});
}

std::optional<Target> named(Target target, std::string_view rest) {
  if (!percent_decode(rest.substr(1), target.name)) return std::nullopt;
  return target;
}

std::optional<Target> under_drop(Target target, std::string_view rest, bool is_put) {
  target.resource = Resource::drop;
  if (at_end(rest)) return target;

  const std::string_view name = rest;
  const std::string_view word = take_part(rest);
  const bool in_uploads = is(word, "uploads");
  const bool in_deliveries = is(word, "deliveries");
  const bool bare = at_end(rest);
  if (in_deliveries && !bare) {
    target.item = id_of(take_part(rest));
    const bool is_delivery = target.item != Id{};
    if (at_end(rest) && !is_put) {
      target.resource = Resource::delivery;
      return target;
    }
    const std::string_view verb = at_end(rest) ? std::string_view() : take_part(rest);
    if (is(verb, "commit") && at_end(rest) && !is_put) {
      target.resource = Resource::commit;
      return target;
    }
    if (is(verb, "files") && !at_end(rest) && (is_delivery || !is_put)) {
      target.resource = Resource::delivery_file;
      return named(target, rest);
    }
  }
  if (is_put) {
    target.resource = Resource::drop_file;
    target.item = Id{};
    return named(target, name);
  }
  if (bare && (in_deliveries || in_uploads)) {
    target.resource = in_uploads ? Resource::uploads : Resource::deliveries;
    return target;
  }
  if (in_uploads) {
    target.item = id_of(take_part(rest));
    target.resource = Resource::upload;
    if (at_end(rest)) return target;
  }
  target.resource = Resource::drop_file;
  return named(target, name);
}

std::optional<Target> under_link(Target target, std::string_view rest) {
  target.token = take_part(rest);
  target.resource = Resource::link;
  if (at_end(rest)) return target;
  const std::string_view word = take_part(rest);
  if (is(word, "files") && !at_end(rest)) {
    target.item = id_of(take_part(rest));
    target.resource = Resource::link_file;
  } else if (is(word, "all.zip")) {
    target.resource = Resource::link_all;
  } else if (is(word, "opened")) {
    target.resource = Resource::link_opened;
  } else {
    return std::nullopt;
  }
  return at_end(rest) ? std::optional(target) : std::nullopt;
}

std::string short_id(const Id& id) {
  return id == Id{} ? "?" : id.text().substr(0, 6) + "…";
}

}  // namespace

std::optional<Target> parse_target(std::string_view path, std::string_view prefix, bool is_put) {
  if (!prefix.empty() && path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/'))
    path.remove_prefix(prefix.size());
  Target target;
  if (at_end(path)) return target;

  const std::string_view word = take_part(path);
  if (is(word, "u") || is(word, "s")) {
    if (at_end(path)) return std::nullopt;
    target.guid = id_of(take_part(path));
    if (is(word, "u")) return under_drop(std::move(target), path, is_put);
    target.resource = Resource::owner_page;
    return at_end(path) ? std::optional(target) : std::nullopt;
  }
  if (is(word, "d")) {
    if (at_end(path)) return std::nullopt;
    return under_link(std::move(target), path);
  }
  if (is(word, "scan")) {
    target.resource = Resource::scan_page;
    return at_end(path) ? std::optional(target) : std::nullopt;
  }
  if (word == "assets") {
    if (at_end(path)) return std::nullopt;
    target.resource = Resource::asset;
    target.name = take_part(path);
    return path.empty() ? std::optional(target) : std::nullopt;
  }
  if (is(word, "healthz")) {
    target.resource = Resource::health;
    return at_end(path) ? std::optional(target) : std::nullopt;
  }
  if (is(word, "control")) {
    if (path != "/sweep" && path != "/check") return std::nullopt;
    target.resource = path == "/sweep" ? Resource::control_sweep : Resource::control_check;
    return target;
  }

  if (!is(word, "api") || at_end(path) || !is(take_part(path), "v1") || at_end(path) || !is(take_part(path), "spaces"))
    return std::nullopt;
  target.resource = Resource::spaces;
  if (at_end(path)) return target;
  target.guid = id_of(take_part(path));
  target.resource = Resource::space;
  if (at_end(path)) return target;
  const std::string_view part = take_part(path);
  const bool of_shares = is(part, "shares");
  if (of_shares && at_end(path)) {
    target.resource = Resource::shares;
    return target;
  }
  if ((!of_shares && !is(part, "files")) || at_end(path)) return std::nullopt;
  target.item = id_of(take_part(path));
  target.resource = of_shares ? Resource::share : Resource::file;
  return at_end(path) ? std::optional(target) : std::nullopt;
}

std::string loggable(const Target& target) {
  const std::string space = "/api/v1/spaces/" + short_id(target.guid);
  const std::string drop = "/u/" + short_id(target.guid);
  const std::string delivery = drop + "/deliveries/" + short_id(target.item);
  switch (target.resource) {
    case Resource::home:
      return "/";
    case Resource::scan_page:
      return "/scan";
    case Resource::asset:
      return "/assets/*";
    case Resource::health:
      return "/healthz";
    case Resource::spaces:
      return "/api/v1/spaces";
    case Resource::space:
      return space;
    case Resource::file:
      return space + "/files/" + short_id(target.item);
    case Resource::shares:
      return space + "/shares";
    case Resource::share:
      return space + "/shares/" + short_id(target.item);
    case Resource::link:
      return "/d/*";
    case Resource::link_opened:
      return "/d/*/opened";
    case Resource::link_file:
      return "/d/*/files/" + short_id(target.item);
    case Resource::link_all:
      return "/d/*/all.zip";
    case Resource::owner_page:
      return "/s/" + short_id(target.guid);
    case Resource::drop:
      return drop;
    case Resource::drop_file:
      return drop + "/*";
    case Resource::uploads:
      return drop + "/uploads";
    case Resource::upload:
      return drop + "/uploads/" + short_id(target.item);
    case Resource::deliveries:
      return drop + "/deliveries";
    case Resource::delivery:
      return delivery;
    case Resource::commit:
      return delivery + "/commit";
    case Resource::delivery_file:
      return delivery + "/files/*";
    case Resource::control_sweep:
      return "/control/sweep";
    case Resource::control_check:
      return "/control/check";
  }
  return "?";
}

std::optional<Id> upload_of(std::string_view address, const Id& guid) {
  if (address.ends_with('/')) address.remove_suffix(1);
  const auto last = address.rfind('/');
  if (last == std::string_view::npos) return std::nullopt;
  const auto upload = Id::parse(address.substr(last + 1));
  const std::string place = "/u/" + guid.text() + "/uploads";
  const std::string_view before = address.substr(0, last);
  if (!upload || before.size() < place.size() ||
      !equal_ignoring_case(before.substr(before.size() - place.size()), place))
    return std::nullopt;
  return upload;
}

}  // namespace qrx::serve
