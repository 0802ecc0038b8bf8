#include "s3/curl_loop.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/text.h"

namespace qrx::s3 {
namespace {

// Fewer system calls than with libcurl's 16 and 64 KiB.
constexpr long buffer_bytes = 256L << 10;
constexpr auto longest_poll = Millis(1000);

// CURL and CURLM are the same type to the compiler.
struct MultiFree {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct EasyFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Transfer {
  HttpCall call;
  CurlLoop::Done done;
  HttpAnswer answer;
  std::uint64_t at = 0;  // of the request's body
  bool too_long = false;
  std::string failure;  // of the request's body
  std::unique_ptr<curl_slist, ListFree> headers;
  std::unique_ptr<CURL, EasyFree> easy;
};

std::size_t take_body(const char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.answer.body.size() + size > transfer.call.most_answer) {
    // Fewer bytes taken than were given end the transfer (CURLE_WRITE_ERROR): an answer cannot fill the memory.
    transfer.too_long = true;
    return 0;
  }
  // At once as much as was asked for, of which the length is known: growing would copy it again and again.
  if (transfer.answer.body.empty() && transfer.call.expected > size)
    transfer.answer.body.reserve(transfer.call.expected);
  transfer.answer.body.append(data, size);
  return size;
}

std::size_t give_body(char* out, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::uint64_t left = transfer.call.body_size - transfer.at;
  const std::size_t wanted = std::min<std::uint64_t>(left, size);
  if (wanted == 0) return 0;
  const auto got = transfer.call.body(transfer.at, {out, wanted});
  if (!got || *got == 0) {
    transfer.failure = got ? "its bytes are missing" : got.error().what;
    return CURL_READFUNC_ABORT;
  }
  transfer.at += *got;
  return *got;
}

// libcurl goes back to the beginning when a kept connection was closed under the request.
int seek_body(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
  static_cast<Transfer*>(user)->at = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::size_t take_header(const char* data, std::size_t, std::size_t size, void* user) {
  auto& answer = static_cast<Transfer*>(user)->answer;
  const std::string_view line(data, size);
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
  const std::string name = to_lower_ascii(line.substr(0, colon));
  if (name == "content-range") answer.content_range = trim(value);
  if (name == "date") {
    // Now: the body may take minutes.
    const std::time_t date = curl_getdate(std::string(trim(value)).c_str(), nullptr);
    if (date > 0)
      answer.ahead = std::chrono::duration_cast<Millis>(Seconds(date)) - system_clock().wall().time_since_epoch();
  }
  return size;
}

// No redirects (the default), no cookies, no passwords from ~/.netrc; a proxy, if the environment names one.
bool prepare(Transfer& transfer, const CurlLoop::Options& options) {
  transfer.easy.reset(curl_easy_init());
  CURL* c = transfer.easy.get();
  if (c == nullptr) return false;
  for (const std::string& header : transfer.call.headers)
    transfer.headers.reset(curl_slist_append(transfer.headers.release(), header.c_str()));
  // No pause before each body for a word that few stores send.
  transfer.headers.reset(curl_slist_append(transfer.headers.release(), "Expect:"));
  curl_easy_setopt(c, CURLOPT_URL, transfer.call.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  // The path was signed as it is: "/../" must not be resolved.
  curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
  if (transfer.call.method == "PUT") {
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.call.body_size));
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(c, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(c, CURLOPT_SEEKDATA, &transfer);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, buffer_bytes);
  } else if (transfer.call.method == "HEAD") {
    curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, transfer.call.method.c_str());
  }
  curl_easy_setopt(c, CURLOPT_BUFFERSIZE, buffer_bytes);
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, transfer.headers.get());
  if (!options.ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, options.ca_file.c_str());
  curl_easy_setopt(c, CURLOPT_NETRC, CURL_NETRC_IGNORED);
  // No SIGALRM for name servers: this is one thread of many.
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_time.count()));
  // Less than a byte a second for stall_time: given up.
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(options.stall_time.count() / 1000)));
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(options.longest_time.count()));
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &transfer);
  return true;
}

Result<HttpAnswer> outcome(Transfer& transfer, CURLcode code) {
  if (code == CURLE_OK) {
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &transfer.answer.status);
    return std::move(transfer.answer);
  }
  if (transfer.too_long) return fail(Kind::unavailable, "the S3 store sent more than was asked for");
  if (!transfer.failure.empty()) return fail(Kind::other, "cannot read what is to be stored: " + transfer.failure);
  const std::string reason = std::string("the S3 store does not answer: ") + curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return fail(Kind::denied, "the certificate of the S3 store is not valid", "name its authority with --s3-ca");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return fail(Kind::denied, reason);
    case CURLE_SSL_CONNECT_ERROR:
      return fail(Kind::unavailable, reason, "check --s3-endpoint: does it speak https?");
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return fail(Kind::unavailable, reason, "check --s3-endpoint, and that the store runs");
    default:
      return fail(Kind::unavailable, reason);
  }
}

}  // namespace

class CurlLoop::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)), multi_(curl_multi_init()) {}
  ~Impl() {
    stopping_ = true;
    if (multi_) curl_multi_wakeup(multi_.get());
    if (thread_.joinable()) thread_.join();
  }

  bool begin() {
    if (!multi_) return false;
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options_.most_at_once));
    thread_ = std::thread([this] { run(); });
    return true;
  }

  void start(HttpCall call, Steady not_before, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->call = std::move(call);
    transfer->done = std::move(done);
    {
      const std::lock_guard lock(mutex_);
      // Under the lock that end_all() takes: each transfer is either ended there or here.
      if (!ended_) waiting_.emplace(not_before, std::move(transfer));
    }
    if (transfer != nullptr) return finish(std::move(transfer), fail(Kind::other, "server shutting down"));
    curl_multi_wakeup(multi_.get());
  }

 private:
  static void finish(std::unique_ptr<Transfer> transfer, Result<HttpAnswer> answer) {
    // First freed, then told: what `done` does may start the next request, and needs none of this one.
    const Done done = std::move(transfer->done);
    transfer.reset();
    done(std::move(answer));
  }

  void run() {
    while (!stopping_) {
      begin_what_is_due();
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      take_ended();
      // Until a socket can go on, the next request is due, or start() wakes it.
      curl_multi_poll(multi_.get(), nullptr, 0, pause(), nullptr);
    }
    end_all();
  }

  void begin_what_is_due() {
    for (;;) {
      std::unique_ptr<Transfer> next;
      {
        const std::lock_guard lock(mutex_);
        // The rest waits for its turn: libcurl would open a connection for each.
        if (waiting_.empty() || active_.size() >= options_.most_at_once) return;
        if (waiting_.begin()->first > system_clock().steady()) return;
        next = std::move(waiting_.begin()->second);
        waiting_.erase(waiting_.begin());
      }
      if (!prepare(*next, options_) || curl_multi_add_handle(multi_.get(), next->easy.get()) != CURLM_OK) {
        finish(std::move(next), fail(Kind::unavailable, "cannot start a request to the S3 store"));
        continue;
      }
      CURL* const easy = next->easy.get();
      active_.emplace(easy, std::move(next));
    }
  }

  void take_ended() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* const easy = message->easy_handle;
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_.get(), easy);
      auto ended = std::move(active_.at(easy));
      active_.erase(easy);
      auto answer = outcome(*ended, code);
      finish(std::move(ended), std::move(answer));
    }
  }

  int pause() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty() || active_.size() >= options_.most_at_once) return static_cast<int>(longest_poll.count());
    const auto left = std::chrono::ceil<Millis>(waiting_.begin()->first - system_clock().steady());
    return static_cast<int>(std::clamp(left, Millis(0), longest_poll).count());
  }

  void end_all() {
    std::multimap<Steady, std::unique_ptr<Transfer>> waiting;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      waiting.swap(waiting_);
    }
    for (auto& [easy, transfer] : active_) {
      curl_multi_remove_handle(multi_.get(), easy);
      finish(std::move(transfer), fail(Kind::other, "server shutting down"));
    }
    active_.clear();
    for (auto& [due, transfer] : waiting) finish(std::move(transfer), fail(Kind::other, "server shutting down"));
  }

  const Options options_;
  const std::unique_ptr<CURLM, MultiFree> multi_;
  std::atomic<bool> stopping_{false};
  std::map<CURL*, std::unique_ptr<Transfer>> active_;  // the loop's thread alone
  std::mutex mutex_;
  std::multimap<Steady, std::unique_ptr<Transfer>> waiting_;  // by when they may begin
  bool ended_ = false;
  std::thread thread_;
};

CurlLoop::CurlLoop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CurlLoop::~CurlLoop() = default;

Result<std::unique_ptr<CurlLoop>> CurlLoop::make(Options options) {
  // Once for the process; the initialization of a local static is thread-safe, which that of libcurl was not always.
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  auto impl = std::make_unique<Impl>(std::move(options));
  if (!ready || !impl->begin()) return fail(Kind::unavailable, "cannot start libcurl");
  return std::unique_ptr<CurlLoop>(new CurlLoop(std::move(impl)));
}

void CurlLoop::start(HttpCall call, Steady not_before, Done done) {
  impl_->start(std::move(call), not_before, std::move(done));
}

}  // namespace qrx::s3
