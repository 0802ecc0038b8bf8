#include "serve/routes/share_link_route.h"

#include <algorithm>

#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/content/zip_source.h"
#include "serve/long_work.h"
#include "serve/pages/pages.h"
#include "serve/routes/stored_content.h"
#include "serve/watching.h"
#include "wire/limits.h"
#include "wire/share_messages.h"

namespace qrx::serve {
namespace {

constexpr std::uint64_t piece_bytes = 256U << 10;  // after each it is seen whether the link was revoked
constexpr int busy_retry_seconds = 5;
constexpr space::PageSize nothing{0, 0};  // of what there is: only whether the link may be used

// One range of a file.
class SharedSource : public front::BodySource {
 public:
  SharedSource(std::shared_ptr<space::Content> content, wire::ByteRange range,
               std::unique_ptr<space::Transfer> transfer)
      : content_(std::move(content)), range_(range), transfer_(std::move(transfer)) {}

  Next next() override {
    if (transfer_->is_cut()) return Broken{};
    if (done_ == range_.size) {
      transfer_->handed_all();
      return End{};
    }
    auto taken = take_piece(*content_, range_.first + done_, std::min(piece_bytes, range_.size - done_));
    if (taken.size == 0) return std::move(taken.next);
    done_ += taken.size;
    // Told before the piece goes out: whoever asks right after the client has it must find the doubt.
    if (done_ == range_.size) transfer_->handed_all();
    transfer_->handed(done_);  // at most: how far this piece gets is not told
    return std::move(taken.next);
  }
  bool wants_acknowledgement() const override { return true; }
  void completed() override { transfer_->completed(); }
  void broken_off(std::uint64_t unsent) override { transfer_->broken_off(unsent); }

 private:
  std::shared_ptr<space::Content> content_;
  wire::ByteRange range_;
  std::unique_ptr<space::Transfer> transfer_;
  std::uint64_t done_ = 0;
};

class ArchiveSource : public front::BodySource {
 public:
  ArchiveSource(ZipSource zip, std::unique_ptr<space::Transfer> transfer)
      : zip_(std::move(zip)), transfer_(std::move(transfer)) {}

  Next next() override {
    if (transfer_->is_cut()) return Broken{};
    auto piece = zip_.next();
    if (!piece) return Broken{};
    if (piece->empty() && zip_.pending()) return Pending{*zip_.pending()};
    if (piece->empty()) return End{};
    transfer_->sent(sent_ += piece->size());
    if (zip_.ended()) transfer_->handed_all();
    return MemoryPiece{std::move(*piece)};
  }
  bool wants_acknowledgement() const override { return true; }
  void completed() override { transfer_->completed(); }

 private:
  ZipSource zip_;
  std::unique_ptr<space::Transfer> transfer_;
  std::uint64_t sent_ = 0;
};

// Not for search engines, should a link ever be published.
http::Answer unlisted(http::Answer out) {
  out.headers.push_back({"X-Robots-Tag", "noindex, nofollow"});
  return out;
}

// What a proxy has taken is not taken by the recipient: nginx is asked to hand it on as it comes.
http::Answer unbuffered(http::Answer out) {
  out.headers.push_back({"X-Accel-Buffering", "no"});
  return unlisted(std::move(out));
}

// Of a link that opens nothing any more.
Saying saying_of(const Call& call) {
  switch (call.site.shares.why_gone(call.target.token)) {
    case space::LinkEnd::revoked:
      return Saying::link_revoked;
    case space::LinkEnd::expired:
      return Saying::link_expired;
    case space::LinkEnd::used_up:
      return Saying::link_used_up;
    case space::LinkEnd::none:
      break;
  }
  return Saying::by_status;
}

http::Answer refuse(const Call& call, const Error& error) {
  // With its reason: a recipient was told of the link, so that it existed is no secret to them.
  if (error.kind == Kind::gone) return unlisted(call.problem(410, error.what, saying_of(call)));
  http::Answer out = unlisted(call.problem(error));
  if (error.kind == Kind::locked) out.headers.push_back({"Retry-After", std::to_string(busy_retry_seconds)});
  return out;
}

// `root`: before "/d/": a page stays at the address at which it was asked for, others are told the whole.
wire::AddressOf addresses_of(const Call& call, const std::string& root) {
  return [&call, root](const Id& file) {
    return root + wire::path_of({.resource = wire::Resource::link_file, .item = file, .token = call.target.token});
  };
}

// Of a link with a limit each download is counted by what was taken, which only this server sees. Of one without it the
// owner sees that it was opened.
std::optional<http::Answer> redirect_unlimited(const Call& call, const space::Content& content,
                                               const http::Answer& head, const wire::ByteRange& range) {
  if (!call.site.options().redirect) return std::nullopt;
  const auto look = call.site.shares.look(call.target.token, {}, nothing);
  if (!look || look->downloads_left != 0) return std::nullopt;
  auto out = redirect_to_store(call, content, head, range);
  if (out && !call.site.shares.opened(call.target.token)) return std::nullopt;
  if (out) out = unlisted(std::move(*out));
  return out;
}

front::Reply send_file_of(const SharedCall& call) {
  space::Shares& shares = call->site.shares;
  const auto content = shares.content(call->target.token, call->target.item);
  if (!content) return refuse(*call, content.error());
  const space::FileRow& file = *(*content)->file();
  return send_stored(call, file, [call, content = *content](http::Answer head, wire::ByteRange range) -> front::Reply {
    if (auto elsewhere = redirect_unlimited(*call, *content, head, range)) return std::move(*elsewhere);
    auto transfer = call->site.shares.begin(call->target.token, *content->file(), range.first, range.size);
    if (!transfer) return refuse(*call, transfer.error());
    return front::Send{unbuffered(std::move(head)), range.size,
                       std::make_unique<SharedSource>(content, range, std::move(*transfer))};
  });
}

front::Reply send_all_at_once(const SharedCall& call) {
  space::Shares& shares = call->site.shares;
  const std::string& token = call->target.token;
  const auto opened = shares.open(token);
  if (!opened) return refuse(*call, opened.error());
  const auto files = shares.left(token, *opened);
  if (!files) return refuse(*call, files.error());
  const auto plan = call->site.archives.plan(opened->space, *files);
  http::Answer head = unbuffered(content_head(200, "application/zip", "all.zip"));
  // The archive is made on the way: a part of it could not be made alone.
  head.headers.push_back({"Accept-Ranges", "none"});
  // Looking at the length takes nothing.
  if (call->request->method == "HEAD") return front::Send{std::move(head), plan->length(), nullptr};
  auto transfer = shares.begin_all(token, *opened, *files);
  if (!transfer) return refuse(*call, transfer.error());
  ZipSource zip(plan, [&shares](const space::FileRow& file) { return shares.stored(file); });
  return front::Send{std::move(head), plan->length(),
                     std::make_unique<ArchiveSource>(std::move(zip), std::move(*transfer))};
}

// An archive of many files takes a while to plan, and so does reading what there is.
front::Reply send_all_of(const SharedCall& call) {
  return aside_if_many(call->site.shares.files_held(call->target.token), [call] { return send_all_at_once(call); });
}

// curl cuts a link at its #, and what was written behind the key with it: LINK#KEY/all.zip asks for the link alone.
bool is_downloader(const Call& call) {
  const std::string_view agent = call.header("user-agent");
  return !call.asker.browser && (agent.starts_with("curl/") || agent.starts_with("Wget/"));
}

// Looking must not use up a link, so that of a limited one only the way is told.
front::Reply show_to_downloader(const SharedCall& call, const wire::SharedSpace& look) {
  if (look.downloads_left == 0) return send_all_of(call);  // no limit
  const wire::Target all{.resource = wire::Resource::link_all, .token = call->target.token};
  return unlisted(answer(200, "text/plain; charset=utf-8",
                         "to download: curl -fOJ " + call->site.base().url() + wire::path_of(all) + "\n"));
}

front::Reply show(const SharedCall& call) {
  const auto from = page_asked_for(*call);
  if (!from) return call->problem(from.error());
  const auto look = call->site.shares.look(call->target.token, *from);
  if (!look) return refuse(*call, look.error());
  if (is_downloader(*call) && !wants_json(*call->request)) return show_to_downloader(call, *look);
  if (!wants_json(*call->request))
    return unlisted(page_answer(
        200, share_page(call->asker.look, *look, addresses_of(*call, call->asker.look.root), call->site.clock.wall()),
        PageKind::scripted));
  http::Answer out = unlisted(json_answer(200, wire::to_json(*look, addresses_of(*call, call->site.base().url()))));
  out.headers.push_back({"Vary", "Accept"});
  return out;
}

using Route = front::Reply (*)(const SharedCall& call);

front::Reply without_doubt(const SharedCall& call, Route go_on) {
  const auto space = call->site.shares.in_doubt(call->target.token);
  if (!space) return go_on(call);
  const auto in_doubt = [call] { return call->site.shares.in_doubt(call->target.token).has_value(); };
  return after_doubt(call, *space, in_doubt, [call, go_on] { return go_on(call); });
}

// A form posts; what it says does not matter.
front::Reply after_form(const SharedCall& call, Route go_on) {
  if (call->request->method != "POST") return without_doubt(call, go_on);
  if (const auto known = call->site.shares.look(call->target.token, {}, nothing); !known)
    return refuse(*call, known.error());
  return collect(call, wire::most_form_bytes, [call, go_on](const std::string&) { return without_doubt(call, go_on); });
}

front::Reply mark_opened(const SharedCall& call) {
  if (const auto done = call->site.shares.opened(call->target.token); !done) return refuse(*call, done.error());
  return answer(204);
}

}  // namespace

front::Reply show_link(const SharedCall& call) {
  return without_doubt(call, show);
}

front::Reply mark_link_opened(const SharedCall& call) {
  return after_form(call, mark_opened);
}

front::Reply send_link_file(const SharedCall& call) {
  return after_form(call, send_file_of);
}

front::Reply send_link_all(const SharedCall& call) {
  return after_form(call, send_all_of);
}

}  // namespace qrx::serve
