#include "serve/routes/deliveries_route.h"

#include "base/checksum.h"
#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/long_work.h"
#include "serve/watching.h"
#include "wire/file_batch.h"
#include "wire/limits.h"

namespace qrx::serve {
namespace {

// An unsafe name is Kind::integrity, whose 460 only tus clients know.
http::Answer refuse(const Call& call, const Error& error) {
  return call.problem(error, error.kind == Kind::integrity ? 400 : 0);
}

std::string place_of(const Call& call, const Id& delivery) {
  return call.site.base().prefix + wire::path_of({wire::Resource::delivery, call.target.guid, delivery});
}

front::Reply commit(const SharedCall& call, const wire::CommitDelivery& wish) {
  const auto done = call->site.spaces.commit(call->target.guid, call->target.item, wish);
  if (!done) return call->problem(done.error());
  call->site.files_received += done->files.size();
  return json_answer(200, wire::to_json(*done));
}

std::uint64_t files_to_read(const Call& call) {
  return call.site.spaces.files_to_read(call.target.guid, call.target.item);
}

// `unsaved`: of its files only those that were not saved.
http::Answer tell_status(const Call& call, bool unsaved) {
  const auto state = call.site.spaces.status(call.target.guid, call.target.item, unsaved);
  return state ? json_answer(200, wire::to_json(*state)) : call.problem(state.error());
}

front::Reply watch_delivery(const SharedCall& call, const Watch& watch) {
  const bool unsaved = watch.after.has_value();
  const auto seq = call->site.spaces.delivery_seq(call->target.guid, call->target.item);
  if (!watch.after || watch.wait.count() == 0 || seq != watch.after) return tell_status(*call, unsaved);
  // Before it waits: an unknown delivery is answered at once.
  if (const auto there = call->site.spaces.status(call->target.guid, call->target.item, true); !there)
    return call->problem(there.error());
  front::Wait wait;
  wait.topic = call->target.item;
  wait.until = call->site.clock.steady() + watch.wait;
  wait.poll = [call, unsaved, after = *watch.after](bool time_over) -> std::optional<front::Reply> {
    if (!time_over && call->site.spaces.delivery_seq(call->target.guid, call->target.item) == after)
      return std::nullopt;
    return aside_if_many(files_to_read(*call), [call, unsaved] { return tell_status(*call, unsaved); });
  };
  return wait;
}

constexpr auto longest_wait = Seconds(60);  // for the store, whose own patience is shorter

// The batch is handed over once what it needs of the store is done; no thread waits for that.
front::Reply finish_batch(const SharedCall& call, const std::shared_ptr<space::FileBatch>& batch,
                          const http::Answer& done, Steady until) {
  const auto topic = call->site.clock.steady() < until ? batch->begin_finish() : std::nullopt;
  if (topic) {
    front::Wait wait;
    wait.topic = *topic;
    wait.until = until;
    wait.poll = [call, batch, done, topic = *topic, until](bool time_over) -> std::optional<front::Reply> {
      // Of several parts, each has a topic.
      if (!time_over && batch->begin_finish() == topic) return std::nullopt;
      return finish_batch(call, batch, done, time_over ? Steady{} : until);
    };
    return wait;
  }
  if (const auto finished = batch->finish(); !finished) return refuse(*call, finished.error());
  return done;
}

front::Reply finish_batch(const SharedCall& call, const std::shared_ptr<space::FileBatch>& batch,
                          const http::Answer& done) {
  return finish_batch(call, batch, done, call->site.clock.steady() + longest_wait);
}

// Takes the small files of one body, each as soon as it is there.
class BatchSink : public front::BodySink {
 public:
  BatchSink(SharedCall call, std::unique_ptr<space::FileBatch> batch)
      : call_(std::move(call)),
        batch_(std::move(batch)),
        memory_(call_->site.body_memory, call_->request->peer),
        reader_(wire::most_small_bytes,
                [this](const wire::BatchedFile& file, ByteView bytes) { return put(file, bytes); }) {}

  Result<void> write(ByteView bytes) override {
    if (auto written = reader_.write(bytes); !written) return written;
    return memory_.keep(reader_.pending());
  }
  std::optional<Id> full() override { return batch_->full(); }
  front::Reply finish() override {
    if (const auto ended = reader_.finish(); !ended) return *on_error(ended.error());
    return finish_batch(call_, batch_, json_answer(202, wire::batch_answer(sums_)));
  }
  // Those before the one that is refused are taken where no thread would have to wait for the store.
  std::optional<http::Answer> on_error(const Error& error) override {
    if (!batch_->begin_finish()) (void)batch_->finish();
    return refuse(*call_, error);
  }
  void abandon() override {}  // nobody was told that anything is there

 private:
  Result<void> put(const wire::BatchedFile& file, ByteView bytes) {
    const auto sum = batch_->add(file.name, bytes, file.properties);
    if (!sum) return tl::unexpected(sum.error());
    sums_.push_back(*sum);
    return {};
  }

  const SharedCall call_;
  const std::shared_ptr<space::FileBatch> batch_;
  BodyMemory::Hold memory_;  // of the file that is not all there
  wire::BatchReader reader_;
  std::vector<Xxh128Sum> sums_;
};

}  // namespace

front::Reply create_delivery(const SharedCall& call) {
  const auto drop = call->site.spaces.drop(call->target.guid);
  if (!drop) return call->problem(drop.error());
  return collect(call, wire::most_delivery_request_bytes, [call](const std::string& text) -> front::Reply {
    const auto wish = wire::from_json<wire::CreateDelivery>(text.empty() ? "{}" : text);
    if (!wish) return call->problem(wish.error());
    const auto row = call->site.spaces.open_delivery(call->target.guid, *wish, {call->request->peer});
    if (!row) return refuse(*call, row.error());
    wire::DeliveryState state;
    state.delivery = row->delivery;
    http::Answer out = json_answer(201, wire::to_json(state));
    out.headers.push_back({"Location", place_of(*call, row->delivery)});
    return out;
  });
}

front::Reply show_delivery(const SharedCall& call) {
  const auto watch = watch_of(*call);
  if (!watch) return call->problem(watch.error());
  return aside_if_many(files_to_read(*call), [call, watch = *watch] { return watch_delivery(call, watch); });
}

front::Reply cancel_delivery(const SharedCall& call) {
  if (const auto done = call->site.spaces.cancel(call->target.guid, call->target.item); !done)
    return call->problem(done.error());
  return answer(204);
}

front::Reply commit_delivery(const SharedCall& call) {
  if (const auto known = call->site.spaces.known(call->target.guid); !known) return call->problem(known.error());
  return collect(call, wire::most_request_bytes, [call](const std::string& text) -> front::Reply {
    const auto wish = wire::from_json<wire::CommitDelivery>(text.empty() ? "{}" : text);
    if (!wish) return call->problem(wish.error());
    return aside_if_many(files_to_read(*call), [call, wish = *wish] { return commit(call, wish); });
  });
}

front::Reply put_delivery_file(const SharedCall& call) {
  if (const auto known = call->site.spaces.known(call->target.guid); !known) return call->problem(known.error());
  // As with a file by itself (drop_route.cpp).
  if (!call->request->has_body && !call->request->content_length)
    return call->problem(411, "the request tells no length: send Content-Length, 0 for an empty file");
  if (!call->request->query.empty()) return call->question_mark_in_name();
  return collect(call, wire::most_small_bytes, [call](const std::string& content) -> front::Reply {
    const auto properties = wire::parse_properties(call->request->header(wire::mtime_header),
                                                   call->request->header(wire::executable_header));
    auto batch = call->site.spaces.begin_batch(call->target.guid, call->target.item, {call->request->peer});
    if (!batch) return refuse(*call, batch.error());
    const auto sum = (*batch)->add(call->target.name, as_bytes(content), properties);
    if (!sum) return refuse(*call, sum.error());
    http::Answer out = answer(202);
    out.headers.push_back({"Qrx-Xxh128", to_hex(*sum)});
    return finish_batch(call, std::move(*batch), out);
  });
}

front::Reply post_delivery_files(const SharedCall& call) {
  if (const auto known = call->site.spaces.known(call->target.guid); !known) return call->problem(known.error());
  auto batch = call->site.spaces.begin_batch(call->target.guid, call->target.item, {call->request->peer});
  if (!batch) return refuse(*call, batch.error());
  return front::Receive{std::make_unique<BatchSink>(call, std::move(*batch))};
}

}  // namespace qrx::serve
