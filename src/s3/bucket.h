// The five operations on a bucket of an S3 store that qrx needs, each signed, judged, and tried again while that helps.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "s3/curl_loop.h"
#include "s3/key_source.h"
#include "s3/object_options.h"
#include "s3/request_counts.h"
#include "s3/xml_answers.h"

namespace qrx::s3 {

// How long what fails is tried again.
struct Perseverance {
  Millis give_up_after{30000};  // since the first failure
  Millis absent_after{2000};    // what was stored elsewhere a moment ago may not be seen yet
  Millis first_pause{100}, longest_pause{3000};
  bool once = false;  // not at all
};

// What proves to the store that it has what was sent.
enum class PayloadSum : std::uint8_t {
  sha256,  // signed with the request
  crc32,   // x-amz-checksum-crc32: a third of the work
};

struct Payload {
  std::uint64_t size = 0;
  std::string sha256;       // in hex, for PayloadSum::sha256
  std::uint32_t crc32 = 0;  // for PayloadSum::crc32
  std::function<Result<std::size_t>(std::uint64_t at, std::span<char> out)> read;
};

// Thread-safe. Names are below the prefix. Errors: Kind::unavailable (tried in vain), Kind::not_found, Kind::denied
// (keys, bucket or region: trying again does not help). Callbacks run on the loop's thread and must not wait.
class Bucket {
 public:
  Bucket(BucketPlace place, KeySource& keys, CurlLoop& loop, Perseverance perseverance = {})
      : place_(std::move(place)), keys_(keys), loop_(loop), perseverance_(perseverance) {}

  using Done = std::function<void(Result<void>)>;
  using Got = std::function<void(Result<std::string>)>;
  using Page = std::function<void(Result<ListPage>)>;

  void put(const std::string& name, Payload payload, PayloadSum sum, Done done);
  void get(const std::string& name, std::uint64_t first, std::uint64_t size, Got got);  // exactly these bytes
  void remove(const std::string& name, Done done);                                      // absent is fine
  // Of names that begin with `start`, at most 1,000 behind `token`.
  void list(const std::string& start, const std::string& token, unsigned most, Page page);
  void look(Done done);  // whether the bucket is there

  // Since when nothing was stored that it was asked to store, or nothing else was done, and why.
  struct Failing {
    Steady since;
    std::string what;
  };
  std::optional<Failing> failing() const;

  // An address at which anybody can GET the object for so many seconds, as an answer with this type and disposition.
  // It is a right: it must stand in no log.
  std::string address_of(const std::string& name, const std::string& type, const std::string& disposition,
                         unsigned seconds) const;
  const RequestCounts& counts() const { return counts_; }

  const BucketPlace& place() const { return place_; }
  std::string text() const;  // s3://bucket/prefix
  // The same, which tries each request once. For what outlives no call: keys and loop are those of this one.
  Bucket impatient() const {
    Perseverance none;
    none.once = true;
    return {place_, keys_, loop_, none};
  }

 private:
  struct Operation;
  struct Attempt;
  void begin(const std::shared_ptr<Attempt>& attempt, Steady not_before);
  void judge(const std::shared_ptr<Attempt>& attempt, Result<HttpAnswer> answer);
  HttpCall sign(const Operation& operation, Millis ahead) const;
  wire::Origin host() const;
  std::string path_of(const std::string& name) const;  // percent-encoded; of the whole bucket without one
  void learn_time(const HttpAnswer& answer, const Attempt& attempt);
  bool mends(const HttpAnswer& answer, const StoreError& error, const Attempt& attempt);
  Error refused(const HttpAnswer& answer, const StoreError& error) const;
  void note(const Operation& operation, const Error* failure);

  const BucketPlace place_;
  KeySource& keys_;
  CurlLoop& loop_;
  const Perseverance perseverance_;
  RequestCounts counts_;
  std::atomic<std::int64_t> ahead_ms_{0};  // the store's clock before this machine's
  std::atomic<bool> fails_{false};
  mutable std::mutex failing_mutex_;
  std::array<std::optional<Failing>, 2> failing_;  // of PUT; of all others: some stores can still be read
};

// Waits for one of the above: wait<void>([&](auto done) { bucket.remove(name, done); }). Not on the loop's thread.
template <class T>
Result<T> wait(const std::function<void(std::function<void(Result<T>)>)>& start);
extern template Result<void> wait<void>(const std::function<void(std::function<void(Result<void>)>)>&);
extern template Result<std::string> wait<std::string>(
    const std::function<void(std::function<void(Result<std::string>)>)>&);
extern template Result<ListPage> wait<ListPage>(const std::function<void(std::function<void(Result<ListPage>)>)>&);

}  // namespace qrx::s3
