#include "s3/probe.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "wire/id.h"
#include "wire/zip.h"

namespace qrx::s3 {
namespace {

Payload payload_of(const std::string& bytes) {
  Payload payload;
  payload.size = bytes.size();
  payload.sha256 = to_hex(sha256(as_bytes(bytes)));
  wire::Crc32 crc;
  crc.update(as_bytes(bytes));
  payload.crc32 = crc.sum();
  payload.read = [bytes](std::uint64_t at, std::span<char> out) -> Result<std::size_t> {
    const std::size_t size = std::min<std::size_t>(out.size(), bytes.size() - at);
    std::memcpy(out.data(), bytes.data() + at, size);
    return size;
  };
  return payload;
}

// At the start an operator is there to mend it: a wrong usage, not a failure at work.
Error at_start(Error error) {
  if (error.kind != Kind::unavailable) error.kind = Kind::usage;
  return error;
}

class Probe {
 public:
  explicit Probe(Bucket& bucket) : bucket_(bucket.impatient()), patient_(bucket) {}

  Result<PayloadSum> run() {
    if (auto there = wait<void>([&](auto done) { patient_.look(std::move(done)); }); !there)
      return tl::unexpected(at_start(there.error()));
    const auto sum = find_sum();
    if (!sum) return sum;
    auto kept = put(payload_of(bytes_), *sum);
    if (kept) kept = read_back();
    if (kept) kept = list();
    // Also when something failed: the probe leaves nothing behind.
    auto removed = wait<void>([&](auto done) { patient_.remove(name_, std::move(done)); });
    if (kept && !removed) kept = tl::unexpected(removed.error());
    if (!kept) return tl::unexpected(at_start(kept.error()));
    return sum;
  }

 private:
  Result<void> put(Payload payload, PayloadSum sum) {
    return wait<void>([&](auto done) { patient_.put(name_, std::move(payload), sum, std::move(done)); });
  }

  // Kept: the store does not look. Trouble that is not about the sum is told.
  Result<bool> refuses(Payload wrong, PayloadSum sum) {
    const auto kept = wait<void>([&](auto done) { bucket_.put(name_, std::move(wrong), sum, std::move(done)); });
    if (kept) return false;
    if (kept.error().kind == Kind::unavailable) return tl::unexpected(kept.error());
    return true;
  }

  Result<PayloadSum> find_sum() {
    Payload wrong = payload_of(bytes_);
    wrong.crc32 ^= 1U;
    const auto by_crc = refuses(wrong, PayloadSum::crc32);
    if (!by_crc) return tl::unexpected(by_crc.error());
    // Refused for another reason than the sum, such as unsigned payloads: then the right one is refused, too.
    const auto unsigned_one = refuses(payload_of(bytes_), PayloadSum::crc32);
    if (!unsigned_one) return tl::unexpected(unsigned_one.error());
    if (*by_crc && !*unsigned_one) return PayloadSum::crc32;
    wrong = payload_of(bytes_);
    wrong.sha256 = to_hex(sha256(as_bytes("something else")));
    const auto by_sha256 = refuses(wrong, PayloadSum::sha256);
    if (!by_sha256) return tl::unexpected(by_sha256.error());
    if (*by_sha256) return PayloadSum::sha256;
    return fail(Kind::usage, "the S3 store keeps data that was damaged on its way: it refuses no wrong checksum",
                "use a store that checks x-amz-content-sha256");
  }

  Result<void> read_back() {
    // A range in the middle: some stores, and proxies before them, ignore ranges.
    const auto got = wait<std::string>([&](auto done) { patient_.get(name_, 10, 20, std::move(done)); });
    if (!got && got.error().kind == Kind::not_found)
      return fail(Kind::usage, "the S3 store does not give back what was stored in " + patient_.text());
    if (!got) return tl::unexpected(got.error());
    if (*got != bytes_.substr(10, 20)) return fail(Kind::usage, "the S3 store gives other bytes than those asked for");
    return {};
  }

  Result<void> list() {
    const auto page = wait<ListPage>([&](auto done) { patient_.list("", "", 1, std::move(done)); });
    if (!page) return tl::unexpected(page.error());
    return {};
  }

  Bucket bucket_;  // tries once
  Bucket& patient_;
  const std::string name_ = "probe/" + Id::random().text();
  const std::string bytes_ = "qrx looks whether this store keeps and gives back what it gets: " + name_;
};

}  // namespace

Result<PayloadSum> probe(Bucket& bucket) {
  return Probe(bucket).run();
}

}  // namespace qrx::s3
