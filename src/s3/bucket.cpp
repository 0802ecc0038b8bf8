#include "s3/bucket.h"

#include <algorithm>
#include <future>
#include <optional>
#include <utility>

#include "base/random.h"
#include "base/text.h"
#include "s3/signing.h"

namespace qrx::s3 {
namespace {

// An error of S3 is a few hundred bytes of XML. A page of a listing has up to 1,000 names of 1,024 bytes, escaped, with
// their times and sums.
constexpr std::size_t most_error = 64U << 10;
constexpr std::size_t most_listing = 6U << 20;
constexpr std::string_view time_refused = "RequestTimeTooSkewed";
constexpr Millis most_skew{15 * 60'000};  // of a request that is taken

bool is_worth_another_try(long status) {
  switch (status) {
    case 408:
    case 409:  // a change of the same thing is under way
    // Too Early (RFC 8470), Too Many Requests, and 503, by which S3 says SlowDown.
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

std::string escape_path(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto slash = name.find('/');
    out += percent_encode_segment(name.substr(0, slash));
    if (slash == std::string_view::npos) break;
    out += '/';
    name = name.substr(slash + 1);
  }
  return out;
}

// As x-amz-checksum-crc32 has it: four bytes, the highest first, in base64.
std::string crc_text(std::uint32_t crc) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((crc >> shift) & 0xFFU);
  return to_base64(as_bytes(bytes));
}

// Half of it for certain, the rest by chance, so that many do not come again at once.
Millis jittered(Millis pause) {
  const auto chance = random_bytes<2>();
  const auto part = (static_cast<std::int64_t>(chance[0]) << 8 | chance[1]) * pause.count() / (2 * 65536);
  return Millis(pause.count() / 2 + part);
}

Error no_bucket(const std::string& bucket) {
  return {Kind::denied, "there is no bucket " + bucket, "make it, or check --blobs, --s3-endpoint and --s3-region"};
}

}  // namespace

// What one call wants. Kept as it is over all tries: a request is signed anew for each, with the time and the keys of
// then.
struct Bucket::Operation {
  std::string method;
  std::string name;  // below the prefix
  bool whole_bucket = false;
  Pairs query;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> range;  // first, size
  Payload payload;
  PayloadSum sum = PayloadSum::sha256;
  std::size_t most_answer = most_error;
  // Of an answer of status 2xx: nothing when it is as it should be.
  std::function<Result<void>(HttpAnswer&)> take;
  std::function<void(Error)> failed;
};

// An operation on its way, shared by the callbacks of its tries, one after another on the loop's thread.
struct Bucket::Attempt {
  Operation operation;
  std::optional<Steady> failing_since;
  Millis pause{};
  Millis signed_ahead{};  // of this machine's clock, when it was signed
  // Once only: a store that goes on refusing must not be asked for ever.
  bool mended = false;
};

std::string Bucket::text() const {
  const std::string& prefix = place_.prefix;
  return "s3://" + place_.bucket + (prefix.empty() ? "" : "/" + prefix.substr(0, prefix.size() - 1));
}

void Bucket::begin(const std::shared_ptr<Attempt>& attempt, Steady not_before) {
  // Signed before its pause, which is short: a signature is good for minutes.
  const Steady since = std::max(not_before, system_clock().steady());
  attempt->signed_ahead = Millis(ahead_ms_.load());
  loop_.start(sign(attempt->operation, attempt->signed_ahead), not_before,
              [this, attempt, since](Result<HttpAnswer> answer) {
                const std::chrono::duration<double> took = system_clock().steady() - since;
                counts_.add(attempt->operation.method, answer ? answer->status : 0, took.count());
                judge(attempt, std::move(answer));
              });
}

wire::Origin Bucket::host() const {
  wire::Origin out = place_.endpoint;
  // The usual style of AWS: the bucket is a part of the host name. Many other stores know only paths.
  if (!place_.path_style) out.host = place_.bucket + "." + out.host;
  return out;
}

std::string Bucket::path_of(const std::string& name) const {
  std::string path = place_.endpoint.prefix + "/";
  if (place_.path_style) path += escape_path(place_.bucket) + (name.empty() ? "" : "/");
  return name.empty() ? path : path + escape_path(place_.prefix + name);
}

std::string Bucket::address_of(const std::string& name, const std::string& type, const std::string& disposition,
                               unsigned seconds) const {
  wire::Origin origin = host();
  ToSign request;
  request.method = "GET";
  request.path = path_of(name);
  request.query = {{"response-cache-control", "no-store"},
                   {"response-content-disposition", disposition},
                   {"response-content-type", type}};
  request.headers = {{"host", origin.authority()}};
  const WallTime now = system_clock().wall() + Millis(ahead_ms_.load());
  origin.prefix.clear();
  return origin.url() + request.path + "?" + presigned_query(request, keys_.current(), {place_.region, now}, seconds);
}

HttpCall Bucket::sign(const Operation& operation, Millis ahead) const {
  const Keys keys = keys_.current();
  ToSign request;
  request.method = operation.method;
  wire::Origin host = this->host();
  request.path = path_of(operation.whole_bucket ? std::string() : operation.name);
  request.query = operation.query;
  const bool with_crc = operation.method == "PUT" && operation.sum == PayloadSum::crc32;
  // The sum of no bytes: there is no body.
  if (operation.method != "PUT") request.payload = hex_sha256({});
  if (operation.method == "PUT") request.payload = with_crc ? std::string(unsigned_payload) : operation.payload.sha256;
  // By the store's clock, as far as it is known to differ: requests that are 15 minutes off are refused.
  const WallTime now = system_clock().wall() + ahead;
  request.headers = {
      {"host", host.authority()}, {"x-amz-content-sha256", request.payload}, {"x-amz-date", signing_time(now)}};
  if (!keys.session.empty()) request.headers.emplace_back("x-amz-security-token", keys.session);
  // Signed like all headers, so nobody on the way can replace it with the body.
  if (with_crc) request.headers.emplace_back("x-amz-checksum-crc32", crc_text(operation.payload.crc32));
  if (operation.range)
    request.headers.emplace_back("range", "bytes=" + std::to_string(operation.range->first) + "-" +
                                              std::to_string(operation.range->first + operation.range->second - 1));
  HttpCall call;
  call.method = operation.method;
  host.prefix.clear();
  call.url = host.url() + request.path;
  if (!request.query.empty()) call.url += "?" + encode_query(request.query);
  for (const auto& [name, value] : request.headers) call.headers.push_back(name + ": " + value);
  call.headers.push_back("authorization: " + authorization(request, keys, {place_.region, now}));
  call.body_size = operation.payload.size;
  call.body = operation.payload.read;
  call.most_answer = std::max(operation.most_answer, most_error);
  if (operation.range) call.expected = operation.range->second;
  return call;
}

// From every answer, so that addresses which are good for a minute only are good for that minute.
void Bucket::learn_time(const HttpAnswer& answer, const Attempt& attempt) {
  constexpr Millis noticeable{2000};  // Date has whole seconds, and was on its way
  if (!answer.ahead || std::chrono::abs(*answer.ahead - Millis(ahead_ms_.load())) < noticeable) return;
  // A request that was taken was signed by about the store's clock: a Date far from that is not the store's.
  const bool taken = answer.status >= 200 && answer.status < 300;
  if (!taken || std::chrono::abs(*answer.ahead - attempt.signed_ahead) <= most_skew) ahead_ms_ = answer.ahead->count();
}

// What has changed here, so that the same request may be taken now: a clock that was wrong, keys that were replaced.
// Of requests that were under way together, all learn of the clock by the answer to the first of them.
bool Bucket::mends(const HttpAnswer& answer, const StoreError& error, const Attempt& attempt) {
  constexpr Millis noticeable{60'000};  // less is no reason for a refusal
  const bool may_be_time = answer.status == 403 || error.code == time_refused || error.code == "AccessDenied";
  if (may_be_time && std::chrono::abs(Millis(ahead_ms_.load()) - attempt.signed_ahead) > noticeable) return true;
  return answer.status == 403 && keys_.renew();
}

Error Bucket::refused(const HttpAnswer& answer, const StoreError& error) const {
  const std::string status =
      " (" + (error.code.empty() ? "HTTP " + std::to_string(answer.status) : escape_untrusted(error.code)) + ")";
  if (answer.status == 404) {
    if (error.code == "NoSuchBucket") return no_bucket(place_.bucket);
    return {Kind::not_found, "no such object in " + text(), {}};
  }
  // Redirects are not followed: the signature names the region, and would not fit there.
  if (answer.status == 301 || answer.status == 307 || error.code == "AuthorizationHeaderMalformed")
    return {Kind::denied, "the bucket " + place_.bucket + " is not in the region " + place_.region + status,
            "name its region with --s3-region"};
  if (error.code == time_refused)
    return {Kind::denied, "the S3 store finds the clock of this machine wrong" + status,
            "set the clock of this machine, or that of the store"};
  if (answer.status == 401 || answer.status == 403)
    return {Kind::denied, "the S3 store refuses access to " + text() + status, "check the keys, and what they may do"};
  if (is_worth_another_try(answer.status)) return {Kind::unavailable, "the S3 store is in trouble" + status, {}};
  return {Kind::denied, "the S3 store refuses a request for " + text() + status,
          "check --s3-region, --s3-endpoint and --s3-path-style"};
}

// Of an attempt: null when it was done.
void Bucket::note(const Operation& operation, const Error* failure) {
  if (failure == nullptr && !fails_) return;
  const std::lock_guard lock(failing_mutex_);
  auto& of_its_kind = failing_[operation.method == "PUT" ? 0 : 1];
  if (failure == nullptr)
    of_its_kind.reset();
  else if (of_its_kind)
    of_its_kind->what = failure->what;
  else
    of_its_kind = Failing{system_clock().steady(), failure->what};
  fails_ = failing_[0] || failing_[1];
}

std::optional<Bucket::Failing> Bucket::failing() const {
  if (!fails_) return std::nullopt;
  const std::lock_guard lock(failing_mutex_);
  return failing_[0] ? failing_[0] : failing_[1];
}

void Bucket::judge(const std::shared_ptr<Attempt>& attempt, Result<HttpAnswer> answer) {
  const Steady now = system_clock().steady();
  Operation& operation = attempt->operation;
  Error failure;
  bool again = false;
  Millis patience = perseverance_.give_up_after;
  if (answer) learn_time(*answer, *attempt);
  if (!answer) {
    failure = answer.error();
    again = failure.kind == Kind::unavailable;
  } else if (answer->status >= 200 && answer->status < 300) {
    note(operation, nullptr);  // now: once it was told, this may be gone
    // With an answer of 2xx that is not what was asked for (a proxy's page, a short range), another try is worth it.
    auto taken = operation.take(*answer);
    if (taken) return;
    failure = taken.error();
    again = failure.kind == Kind::unavailable;
  } else {
    const StoreError error = parse_error(answer->body);
    failure = refused(*answer, error);
    again = failure.kind == Kind::unavailable || error.code == "BadDigest" || error.code == "RequestTimeout" ||
            error.code == "XAmzContentSHA256Mismatch" || error.code == "IncompleteBody";
    // Another node stored it a moment ago: not every store shows that everywhere at once.
    if (failure.kind == Kind::not_found && operation.method == "GET") {
      again = true;
      patience = perseverance_.absent_after;
    }
    if (!attempt->mended && mends(*answer, error, *attempt)) {
      attempt->mended = true;
      return begin(attempt, now);
    }
  }
  note(operation, failure.kind == Kind::not_found ? nullptr : &failure);
  // Counted from the first failure, not from the start: a request that waited in the queue loses nothing.
  if (!attempt->failing_since) attempt->failing_since = now;
  if (!again || perseverance_.once || now - *attempt->failing_since >= patience) return operation.failed(failure);
  attempt->pause = std::min(attempt->pause == Millis() ? perseverance_.first_pause : attempt->pause * 2,
                            perseverance_.longest_pause);
  begin(attempt, now + jittered(attempt->pause));
}

void Bucket::put(const std::string& name, Payload payload, PayloadSum sum, Done done) {
  auto attempt = std::make_shared<Attempt>();
  Operation& operation = attempt->operation;
  operation.method = "PUT";
  operation.name = name;
  operation.payload = std::move(payload);
  operation.sum = sum;
  operation.take = [done](HttpAnswer&) -> Result<void> {
    done({});
    return {};
  };
  operation.failed = [done](Error error) { done(tl::unexpected(std::move(error))); };
  begin(attempt, system_clock().steady());
}

void Bucket::get(const std::string& name, std::uint64_t first, std::uint64_t size, Got got) {
  auto attempt = std::make_shared<Attempt>();
  Operation& operation = attempt->operation;
  operation.method = "GET";
  operation.name = name;
  operation.range = {first, size};
  operation.most_answer = size;
  operation.take = [got, first, size](HttpAnswer& answer) -> Result<void> {
    const std::string range = "bytes " + std::to_string(first) + "-" + std::to_string(first + size - 1) + "/";
    // A store may answer a range that is the whole object with 200 (RFC 9110, 14.2).
    const bool whole = answer.status == 200 && first == 0;
    const bool part = answer.status == 206 && answer.content_range.starts_with(range);
    if ((!whole && !part) || answer.body.size() != size)
      return fail(Kind::unavailable, "the S3 store sent other bytes than it was asked for");
    got(std::move(answer.body));
    return {};
  };
  operation.failed = [got](Error error) { got(tl::unexpected(std::move(error))); };
  begin(attempt, system_clock().steady());
}

void Bucket::remove(const std::string& name, Done done) {
  auto attempt = std::make_shared<Attempt>();
  Operation& operation = attempt->operation;
  operation.method = "DELETE";
  operation.name = name;
  operation.take = [done](HttpAnswer&) -> Result<void> {
    done({});
    return {};
  };
  operation.failed = [done](Error error) {
    // Gone is what was wanted; a try before this one may have done it, with its answer lost.
    if (error.kind == Kind::not_found) return done({});
    done(tl::unexpected(std::move(error)));
  };
  begin(attempt, system_clock().steady());
}

void Bucket::list(const std::string& start, const std::string& token, unsigned most, Page page) {
  auto attempt = std::make_shared<Attempt>();
  Operation& operation = attempt->operation;
  operation.method = "GET";
  operation.whole_bucket = true;
  operation.query = {{"list-type", "2"},
                     // Names may hold bytes that XML cannot: they come percent-encoded.
                     {"encoding-type", "url"},
                     {"max-keys", std::to_string(most)},
                     {"prefix", place_.prefix + start}};
  if (!token.empty()) operation.query.emplace_back("continuation-token", token);
  operation.most_answer = most_listing;
  operation.take = [page, prefix = place_.prefix](HttpAnswer& answer) -> Result<void> {
    auto listed = parse_list(answer.body);
    if (!listed) return tl::unexpected(listed.error());
    for (Listed& object : listed->objects) {
      // The prefix is cut off below; and what is listed may be deleted.
      if (!object.key.starts_with(prefix)) return fail(Kind::unavailable, "the S3 store lists what was not asked for");
      object.key.erase(0, prefix.size());
    }
    // By no other clock than the store's; without it nothing is old.
    listed->now = answer.ahead ? system_clock().wall() + *answer.ahead : WallTime();
    page(std::move(*listed));
    return {};
  };
  operation.failed = [page](Error error) { page(tl::unexpected(std::move(error))); };
  begin(attempt, system_clock().steady());
}

void Bucket::look(Done done) {
  auto attempt = std::make_shared<Attempt>();
  Operation& operation = attempt->operation;
  operation.method = "HEAD";
  operation.whole_bucket = true;
  operation.take = [done](HttpAnswer&) -> Result<void> {
    done({});
    return {};
  };
  operation.failed = [done, bucket = place_.bucket](Error error) {
    if (error.kind == Kind::not_found) error = no_bucket(bucket);  // HEAD has no body
    done(tl::unexpected(std::move(error)));
  };
  begin(attempt, system_clock().steady());
}

template <class T>
Result<T> wait(const std::function<void(std::function<void(Result<T>)>)>& start) {
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  start([promise](Result<T> result) { promise->set_value(std::move(result)); });
  return future.get();
}
template Result<void> wait<void>(const std::function<void(std::function<void(Result<void>)>)>&);
template Result<std::string> wait<std::string>(const std::function<void(std::function<void(Result<std::string>)>)>&);
template Result<ListPage> wait<ListPage>(const std::function<void(std::function<void(Result<ListPage>)>)>&);

}  // namespace qrx::s3
