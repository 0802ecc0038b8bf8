#include "seal/pipeline.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/thrown.h"

namespace qrx::seal {
namespace {

// 16 chunks of 64 KiB: enough that neither side waits for the other's every piece, and 1 MiB of memory.
constexpr std::size_t slots = 16;

// A bounded queue of pieces between one writer and one reader. Buffers are allocated once. The mutex is for the
// counters only: between room() and write() a piece is the writer's alone, between front() and pop() the reader's.
class Ring {
 public:
  // For the writer: room for a piece; empty when the reader gave up.
  std::span<std::byte> room() {
    std::unique_lock lock(mutex_);
    free_.wait(lock, [&] { return written_ - read_ < slots || abandoned_; });
    if (abandoned_) return {};
    std::vector<std::byte>& buffer = pieces_[written_ % slots].bytes;
    buffer.resize(sealed_chunk_size);
    return buffer;
  }
  void write(std::size_t size) {
    pieces_[written_ % slots].size = size;
    change(filled_, [&] { ++written_; });
  }
  void end() {  // the writer has no more
    change(filled_, [&] { ended_ = true; });
  }

  // For the reader: the next piece; empty at the end.
  ByteView front() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return read_ < written_ || ended_; });
    if (read_ == written_) return {};
    const Piece& piece = pieces_[read_ % slots];
    return ByteView(piece.bytes).first(piece.size);
  }
  void pop() {
    change(free_, [&] { ++read_; });
  }
  void abandon() {  // the reader takes no more
    change(free_, [&] { abandoned_ = true; });
  }

  void restart() {  // while no other thread uses it
    written_ = read_ = 0;
    ended_ = abandoned_ = false;
  }

 private:
  template <class Change>
  void change(std::condition_variable& waits, Change make) {
    {
      const std::lock_guard lock(mutex_);
      make();
    }
    // Without the mutex, so that the one who wakes need not wait for it at once.
    waits.notify_one();
  }

  struct Piece {
    std::vector<std::byte> bytes;
    std::size_t size = 0;
  };
  std::array<Piece, slots> pieces_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::condition_variable filled_;
  std::uint64_t written_ = 0;
  std::uint64_t read_ = 0;
  bool ended_ = false;
  bool abandoned_ = false;
};

// Signals are for the thread that runs the tool: its waits must be interrupted, not ours.
Result<std::thread> start_thread(std::function<void()> work) {
  // The new thread inherits the mask: all blocked from its first instruction on.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<std::thread> started;
  try {
    started = std::thread(std::move(work));
  } catch (const std::system_error& error) {
    started = fail(Kind::other, std::string("cannot start a thread: ") + error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace

struct SealPipeline::State {
  SealedReader reader;
  std::uint64_t offset = 0;
  std::size_t taken = 0;                     // of the piece in front
  std::optional<std::uint64_t> sealed_size;  // as far as the caller's thread knows
  Ring ring;
  std::optional<Error> error;  // written before the ring ends, read after
  std::thread thread;

  explicit State(SealedReader from)
      : reader(std::move(from)), offset(reader.offset()), sealed_size(reader.sealed_size()) {}
  ~State() { stop(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void work() {
    for (;;) {
      const std::span<std::byte> room = ring.room();
      if (room.empty()) break;
      const auto size = reader.read(room);
      // Before end(), whose lock makes it visible to the reader.
      if (!size) error = size.error();
      if (!size || *size == 0) break;
      ring.write(*size);
    }
    ring.end();
  }
  Result<void> start() {
    // From where the caller stands: what was read ahead of it is thrown away.
    reader.seek(offset);
    ring.restart();
    taken = 0;
    error.reset();
    auto started = start_thread([this] {
      auto worked = catching([this] { work(); });
      if (worked) return;
      error = std::move(worked.error());
      ring.end();
    });
    if (!started) return tl::unexpected(std::move(started.error()));
    thread = std::move(*started);
    return {};
  }
  void stop() {
    // Abandoned first, as the thread may wait for room. It is joined before anything of its state is read.
    if (!thread.joinable()) return;
    ring.abandon();
    thread.join();
    sealed_size = reader.sealed_size();
  }
};

SealPipeline::SealPipeline(SealedReader reader) : state_(std::make_unique<State>(std::move(reader))) {}
SealPipeline::~SealPipeline() = default;
SealPipeline::SealPipeline(SealPipeline&&) noexcept = default;
SealPipeline& SealPipeline::operator=(SealPipeline&&) noexcept = default;

Result<std::size_t> SealPipeline::read(std::span<std::byte> space) {
  State& state = *state_;
  if (space.empty() || (state.sealed_size && state.offset >= *state.sealed_size)) return 0;
  // Started by the first read, and again after seek() or an error.
  if (!state.thread.joinable())
    if (auto started = state.start(); !started) return tl::unexpected(std::move(started.error()));
  const ByteView piece = state.ring.front();
  if (piece.empty()) {
    state.stop();
    if (state.error) return tl::unexpected(*state.error);
    return 0;
  }
  const std::size_t size = std::min(piece.size() - state.taken, space.size());
  std::memcpy(space.data(), piece.data() + state.taken, size);
  state.taken += size;
  state.offset += size;
  if (state.taken == piece.size()) {
    state.ring.pop();
    state.taken = 0;
  }
  return size;
}

void SealPipeline::seek(std::uint64_t offset) {
  if (offset == state_->offset) return;
  state_->stop();
  state_->offset = offset;
}

std::uint64_t SealPipeline::offset() const {
  return state_->offset;
}

std::optional<std::uint64_t> SealPipeline::sealed_size() const {
  return state_->sealed_size;
}

struct OpenPipeline::State {
  Opener opener;
  PlainSink sink;
  Ring ring;
  std::optional<Error> error;  // of the other thread: read after it was joined
  std::thread thread;

  State(Opener from, PlainSink to) : opener(std::move(from)), sink(std::move(to)) {}
  ~State() { stop(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void work() {
    for (;;) {
      const ByteView piece = ring.front();
      if (piece.empty()) return;
      // On the thread of this pipeline, and so is the sink.
      if (auto opened = opener.push(piece, sink); !opened) {
        error = std::move(opened.error());
        ring.abandon();
        return;
      }
      ring.pop();
    }
  }
  Result<void> start() {
    if (thread.joinable()) return {};
    if (error) return tl::unexpected(*error);
    ring.restart();
    auto started = start_thread([this] {
      auto worked = catching([this] { work(); });
      if (worked) return;
      error = std::move(worked.error());
      ring.abandon();
    });
    if (!started) return tl::unexpected(std::move(started.error()));
    thread = std::move(*started);
    return {};
  }
  void stop() {
    if (!thread.joinable()) return;
    // The thread opens what was pushed, and then ends.
    ring.end();
    thread.join();
  }
};

OpenPipeline::OpenPipeline(Opener opener, PlainSink sink)
    : state_(std::make_unique<State>(std::move(opener), std::move(sink))) {}
OpenPipeline::~OpenPipeline() = default;
OpenPipeline::OpenPipeline(OpenPipeline&&) noexcept = default;
OpenPipeline& OpenPipeline::operator=(OpenPipeline&&) noexcept = default;

Result<void> OpenPipeline::push(ByteView sealed) {
  State& state = *state_;
  while (!sealed.empty()) {
    if (auto started = state.start(); !started) return started;
    const std::span<std::byte> room = state.ring.room();
    if (room.empty()) {
      // The thread gave up: its error is final.
      state.stop();
      return tl::unexpected(*state.error);
    }
    const std::size_t size = std::min(room.size(), sealed.size());
    std::memcpy(room.data(), sealed.data(), size);
    state.ring.write(size);
    sealed = sealed.subspan(size);
  }
  return {};
}

Result<void> OpenPipeline::finish() {
  State& state = *state_;
  // Joined first: the rest is opened on the caller's thread.
  state.stop();
  if (state.error) return tl::unexpected(*state.error);
  return state.opener.finish(state.sink);
}

Opener& OpenPipeline::stop() {
  state_->stop();
  return state_->opener;
}

}  // namespace qrx::seal
