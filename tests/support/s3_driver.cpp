// The client of S3 stores by hand, for tests: s3-driver ENDPOINT BUCKET PREFIX COMMAND [ARGUMENT...], keys from the
// environment. Commands: probe | put NAME <stdin | get NAME FIRST SIZE >stdout | remove NAME | list START.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <iterator>

#include "s3/bucket.h"
#include "s3/probe.h"

using namespace qrx;
using namespace qrx::s3;

namespace {

int refuse(const Error& error) {
  std::cerr << error.what << (error.hint.empty() ? "" : "; " + error.hint) << "\n";
  return error.kind == Kind::unavailable ? 75 : error.kind == Kind::usage ? 2 : error.kind == Kind::not_found ? 5 : 1;
}

int put(Bucket& bucket, const std::string& name) {
  const std::string bytes(std::istreambuf_iterator<char>(std::cin), {});
  Payload payload;
  payload.size = bytes.size();
  payload.sha256 = hex_sha256(as_bytes(bytes));
  payload.read = [&](std::uint64_t at, std::span<char> out) -> Result<std::size_t> {
    const std::size_t size = std::min<std::size_t>(out.size(), bytes.size() - at);
    std::memcpy(out.data(), bytes.data() + at, size);
    return size;
  };
  const auto done = wait<void>([&](auto tell) { bucket.put(name, payload, PayloadSum::sha256, std::move(tell)); });
  return done ? 0 : refuse(done.error());
}

int list(Bucket& bucket, const std::string& start) {
  std::string token;
  do {
    const auto page = wait<ListPage>([&](auto tell) { bucket.list(start, token, 3, std::move(tell)); });
    if (!page) return refuse(page.error());
    for (const Listed& one : page->objects) std::cout << one.key << " " << one.size << "\n";
    token = page->next;
  } while (!token.empty());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments, arguments + count);
  if (count < 5) return 2;
  const auto endpoint = wire::Origin::parse(words[1]);
  auto keys = KeySource::read("");
  if (!keys) return refuse(keys.error());
  KeySource source("", *keys);
  auto loop = CurlLoop::make({});
  if (!endpoint || !loop) return 2;
  Perseverance patience;
  patience.give_up_after = Millis(5000);
  Bucket bucket({*endpoint, true, "us-east-1", words[2], words[3]}, source, **loop, patience);
  const std::string& command = words[4];
  if (command == "probe") {
    const auto sum = probe(bucket);
    if (!sum) return refuse(sum.error());
    std::cout << (*sum == PayloadSum::crc32 ? "crc32" : "sha256") << "\n";
    return 0;
  }
  if (command == "list") return list(bucket, count > 5 ? words[5] : "");
  if (count < 6) return 2;
  if (command == "put") return put(bucket, words[5]);
  if (command == "remove") {
    const auto done = wait<void>([&](auto tell) { bucket.remove(words[5], std::move(tell)); });
    return done ? 0 : refuse(done.error());
  }
  if (count < 8) return 2;
  const auto got = wait<std::string>(
      [&](auto tell) { bucket.get(words[5], std::stoull(words[6]), std::stoull(words[7]), std::move(tell)); });
  if (!got) return refuse(got.error());
  std::cout << *got;
  return 0;
}
