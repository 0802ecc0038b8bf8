#include "serve/routes/form_route.h"

#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "serve/answers.h"
#include "serve/pages/pages.h"
#include "wire/limits.h"
#include "wire/multipart.h"
#include "wire/names.h"

namespace qrx::serve {
namespace {

// The parts of so many bytes cost some milliseconds, however small they are.
constexpr std::size_t turn_bytes = 8U << 10;
constexpr std::size_t bytes_of_name = 160;  // of two maps' entries, about

// Phones call every picture image.jpg: the second becomes "image (1).jpg".
std::string with_number(const std::string& name, unsigned number) {
  const auto slash = name.rfind('/');
  const auto dot = name.rfind('.');
  const bool has_extension = dot != std::string::npos && dot > 0 && (slash == std::string::npos || dot > slash + 1);
  const std::string stem = has_extension ? name.substr(0, dot) : name;
  return stem + " (" + std::to_string(number) + ")" + (has_extension ? name.substr(dot) : "");
}

class FormSink : public front::BodySink, private wire::FormEvents {
 public:
  FormSink(SharedCall call, std::string_view boundary)
      : call_(std::move(call)), memory_(call_->site.body_memory, call_->request->peer), reader_(boundary, *this) {}

  std::size_t most_at_once() const override { return writer_ ? BodySink::most_at_once() : turn_bytes; }
  Result<void> write(ByteView bytes) override { return reader_.write(bytes); }

  front::Reply finish() override {
    if (const auto done = reader_.finish(); !done) return stop_at(done.error());
    if (!delivery_ && trim(note_).empty()) return call_->problem(400, "no file was chosen", Saying::nothing_chosen);
    if (!delivery_)
      if (const auto done = send_note_alone(); !done) return stop_at(done.error());
    if (note_is_late_)
      if (const auto done = spaces().set_message(guid(), *delivery_, std::string(trim(note_))); !done)
        return stop_at(done.error());
    // With the number of files: all of the form, or nothing.
    const auto state = spaces().commit(guid(), *delivery_, {files_});
    if (!state) return stop_at(state.error());
    delivery_.reset();
    call_->site.files_received += files_;
    if (wants_json(*call_->request)) return json_answer(201, wire::to_json(*state));
    return page_answer(201, sent_page(call_->asker.look, *state,
                                      call_->site.base().prefix + wire::path_of({wire::Resource::drop, guid()})));
  }

  std::optional<http::Answer> on_error(const Error& error) override { return stop_at(error); }
  void abandon() override { let_go(); }

 private:
  // empty: a file field that was left empty, or a field that we do not know; unless bytes come after all.
  enum class Part : std::uint8_t { none, note, empty_file, unknown, file };

  space::Spaces& spaces() { return call_->site.spaces; }
  const Guid& guid() const { return call_->target.guid; }
  space::Sender sender() const { return {call_->request->peer}; }

  http::Answer stop_at(const Error& error) {
    let_go();
    return call_->problem(error, error.kind == Kind::integrity ? 400 : 0);
  }

  void let_go() {
    writer_.reset();
    if (delivery_) (void)spaces().cancel(guid(), *delivery_);
    delivery_.reset();
  }

  // A note without a file is a delivery itself: a text.
  Result<void> send_note_alone() {
    const std::string note(trim(note_));
    if (note.empty()) return fail(Kind::usage, "no file was chosen");
    const auto row = spaces().open_delivery(guid(), {note}, sender());
    if (!row) return tl::unexpected(row.error());
    delivery_ = row->delivery;
    return {};
  }

  Result<void> part_begins(const wire::FormPart& part) override {
    if (!part.filename) {
      part_ = part.name == "note" || part.name == "message" ? Part::note : Part::unknown;
      field_ = part.name;
      note_is_late_ = note_is_late_ || (part_ == Part::note && delivery_);
      if (part_ == Part::note && !note_.empty()) note_ += '\n';  // two of them are two lines
      return {};
    }
    part_ = Part::empty_file;
    return part.filename->empty() ? Result<void>() : begin_file(*part.filename);
  }

  // A browser sends what the file system has, and without a script nothing could rename it: what cannot travel in a
  // name (wire/names.h) is escaped, and the answer says so. What climbs is refused still.
  Result<void> begin_file(const std::string& given) {
    part_ = Part::file;
    const std::string wanted = wire::sendable_name(given);
    if (!delivery_) {
      const auto row = spaces().open_delivery(guid(), {std::string(trim(note_))}, sender());
      if (!row) return tl::unexpected(row.error());
      delivery_ = row->delivery;
    }
    name_ = wanted;
    // Where the last search ended, so that a thousand files of one name are not tried a million times.
    for (unsigned& number = numbers_[wanted]; names_.contains(name_);) name_ = with_number(wanted, ++number);
    names_.insert(name_);
    names_bytes_ += 2 * name_.size() + bytes_of_name;
    small_.clear();
    return memory_.keep(names_bytes_);
  }

  Result<void> part_bytes(ByteView bytes) override {
    if (part_ == Part::note) {
      if (note_.size() + bytes.size() > wire::most_message_bytes)
        return fail(Kind::too_large,
                    "the message is longer than " + std::to_string(wire::most_message_bytes) + " bytes");
      note_ += as_text(bytes);
      return {};
    }
    if (part_ == Part::unknown)
      return fail(Kind::usage, "the field " + escape_untrusted(field_) +
                                   " is neither a file, which has a filename, nor " +
                                   "the message, whose name is message");
    if (part_ == Part::empty_file)
      if (const auto begun = begin_file("upload"); !begun) return begun;
    if (!writer_ && small_.size() + bytes.size() <= wire::most_small_bytes) {
      // How long a file is shows only at its end: it becomes an upload when it is too long to come whole.
      if (auto kept = memory_.keep(names_bytes_ + small_.size() + bytes.size()); !kept) return kept;
      small_ += as_text(bytes);
      return {};
    }
    if (!writer_) {
      const auto row = spaces().create_upload(guid(), {name_, {}, std::nullopt, delivery_, false}, sender());
      if (!row) return tl::unexpected(row.error());
      upload_ = row->upload;
      auto writer = spaces().write(guid(), upload_, 0, std::nullopt, sender());
      if (!writer) return tl::unexpected(writer.error());
      writer_ = std::move(*writer);
      if (const auto done = writer_->write(as_bytes(small_)); !done) return done;
      small_ = {};
    }
    return writer_->write(bytes);
  }

  Result<void> part_ends() override {
    if (part_ != Part::file) return {};
    ++files_;
    if (!writer_) {
      const auto file = spaces().put_small(guid(), *delivery_, name_, as_bytes(small_), {}, sender());
      return file ? Result<void>() : tl::unexpected(file.error());
    }
    const auto finished = writer_->finish();
    writer_.reset();
    if (!finished) return tl::unexpected(finished.error());
    // The length was unknown until here: with it the upload becomes a file.
    return spaces().set_length(guid(), upload_, finished->offset);
  }

  SharedCall call_;
  BodyMemory::Hold memory_;  // of the file at hand and of all names
  wire::FormReader reader_;
  Part part_ = Part::none;
  std::string note_;
  std::optional<Id> delivery_;  // open
  std::uint64_t files_ = 0;
  bool note_is_late_ = false;  // it came after a file
  std::string field_;          // its name, of one that is not a file
  std::unordered_set<std::string> names_;
  std::size_t names_bytes_ = 0;                        // that these hold, about
  std::unordered_map<std::string, unsigned> numbers_;  // the last that was tried for a name
  std::string name_;                                   // of the file at hand
  std::string small_;                                  // its bytes, until they are too many
  Id upload_;
  std::unique_ptr<space::UploadWriter> writer_;
};

}  // namespace

front::Reply post_form(const SharedCall& call) {
  const auto drop = call->site.spaces.drop(call->target.guid);
  if (!drop) return call->problem(drop.error());
  if (drop->state == wire::SpaceState::closed)
    return call->problem(403, "the receiver has finished: this link no longer accepts files", Saying::link_closed);
  const auto boundary = wire::multipart_boundary(call->header("content-type"));
  if (!boundary) return call->problem(boundary.error());
  if (!call->request->has_body) return call->problem(400, "the form is empty");
  return front::Receive{std::make_unique<FormSink>(call, *boundary)};
}

}  // namespace qrx::serve
