// What clients of two nodes send: uploads, deliveries, and the requests that are cut.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "unit/space_nodes.h"

namespace qrx::test {
namespace {

using space::Spaces;

std::string bytes_of(unsigned who, std::uint64_t from, std::uint64_t size) {
  std::string out;
  for (std::uint64_t at = from; at < from + size; ++at) out += static_cast<char>('a' + (who * 7 + at) % 26);
  return out;
}

}  // namespace

void Nodes::send_one() {
  const std::size_t at = any_place();
  const Guid guid = places_[at].created.space.guid;
  Spaces& node = node_of(at);
  const std::string bytes = bytes_of(++names_, 0, 1 + any(60));
  const std::string name = "one" + std::to_string(names_);
  const auto row = node.create_upload(guid, new_upload(name, bytes.size()));
  if (!row)
    return refused(row.error(), {Kind::denied, Kind::too_large, Kind::no_room, Kind::no_room_now}, "it was refused");
  auto writer = node.write(guid, row->upload, 0, std::nullopt);
  if (!writer) broken(writer.error().what);
  const auto written = (*writer)->write(as_bytes(bytes));
  const auto finished = written ? (*writer)->finish() : tl::unexpected(written.error());
  if (!finished) {
    refused(finished.error(), {Kind::too_large, Kind::no_room, Kind::no_room_now}, "it was not taken");
    writer->reset();
    must(node.remove_upload(guid, row->upload).has_value(), "its upload cannot be removed");
    return;
  }
  must(finished->complete && finished->file, "it is not complete");
  places_[at].committed[finished->file->delivery][name] = bytes;
  ++done_[doing_];
}

// Whose sum is wrong at first: nothing of it may stay.
void Nodes::send_checked() {
  const std::size_t at = any_place();
  const Guid guid = places_[at].created.space.guid;
  const std::string bytes = bytes_of(++names_, 0, 1 + any(60));
  const std::string name = "checked" + std::to_string(names_);
  const auto row = node_of(at).create_upload(guid, new_upload(name, bytes.size()));
  if (!row)
    return refused(row.error(), {Kind::denied, Kind::too_large, Kind::no_room, Kind::no_room_now}, "it was refused");
  const auto write = [&](const Sha256Sum& sum) -> Result<space::UploadWriter::Finished> {
    auto writer = node_of(at).write(guid, row->upload, 0, space::ChunkChecksum{"sha256", {sum.begin(), sum.end()}});
    if (!writer) return tl::unexpected(writer.error());
    if (auto written = (*writer)->write(as_bytes(bytes)); !written) return tl::unexpected(written.error());
    return (*writer)->finish();
  };
  auto finished = write(sha256(as_bytes(name)));
  must(!finished, "a wrong sum was taken");
  if (finished.error().kind == Kind::integrity) {
    const auto left = node_of(at).upload(guid, row->upload);
    must(left && left->offset == 0, "bytes with a wrong sum stayed");
    finished = write(sha256(as_bytes(bytes)));
  }
  if (!finished) {
    refused(finished.error(), {Kind::too_large, Kind::no_room, Kind::no_room_now}, "it was not taken");
    must(node_of(at).remove_upload(guid, row->upload).has_value(), "its upload cannot be removed");
    return;
  }
  places_[at].committed[finished->file->delivery][name] = bytes;
  ++done_[doing_];
}

// As tus concatenates: each part by any node, and all of them by any other.
void Nodes::send_in_parts() {
  const std::size_t at = any_place();
  const Guid guid = places_[at].created.space.guid;
  const std::string name = "parts" + std::to_string(++names_);
  std::vector<Id> parts;
  std::string whole;
  const auto give_up = [&](const Error& error) {
    refused(error, {Kind::denied, Kind::too_large, Kind::no_room, Kind::no_room_now}, "it was refused");
    for (const Id& part : parts) must(node_of(at).remove_upload(guid, part).has_value(), "a part cannot be removed");
  };
  for (unsigned number = 0; number < 1 + any(3); ++number) {
    const std::string bytes = bytes_of(names_ + number, 0, 1 + any(30));
    auto wish = new_upload("", bytes.size());
    wish.partial = true;
    const auto row = node_of(at).create_upload(guid, wish);
    if (!row) return give_up(row.error());
    parts.push_back(row->upload);
    auto writer = node_of(at).write(guid, row->upload, 0, std::nullopt);
    if (!writer) return give_up(writer.error());
    const auto written = (*writer)->write(as_bytes(bytes));
    const auto finished = written ? (*writer)->finish() : tl::unexpected(written.error());
    if (!finished) {
      writer->reset();
      return give_up(finished.error());
    }
    whole += bytes;
  }
  const auto row = node_of(at).concatenate(guid, new_upload(name, {}), parts);
  if (!row) return give_up(row.error());
  must(!places_[at].closed, "a closed space took a file in parts");
  places_[at].committed[row->delivery][name] = whole;
  for (const Id& part : parts) {
    const auto left = node_of(at).upload(guid, part);
    must(!left && left.error().kind == Kind::not_found, "a part outlived its file");
  }
  const auto again = node_of(at).concatenate(guid, new_upload(name, {}), parts);
  must(!again, "the same parts became two files");
  ++done_[doing_];
}

void Nodes::begin_upload() {
  Sent sent;
  sent.place = any_place();
  sent.name = "upload" + std::to_string(++names_);
  sent.length = 1 + any(100);
  if (const auto open = alive(handed_, Handed::State::open); !open.empty() && any(2) == 0) {
    const Handed& handed = handed_[open[any(static_cast<unsigned>(open.size()))]];
    sent.place = handed.place;
    sent.delivery = handed.delivery;
  }
  const auto row =
      node_of(sent.place)
          .create_upload(places_[sent.place].created.space.guid, new_upload(sent.name, sent.length, sent.delivery));
  if (!row)
    return refused(row.error(), {Kind::denied, Kind::too_large, Kind::no_room, Kind::no_room_now}, "it was refused");
  must(!places_[sent.place].closed || sent.delivery, "a closed space took an upload");
  sent.upload = row->upload;
  sent_.push_back(std::move(sent));
  ++done_[doing_];
}

void Nodes::acknowledge(Sent& sent, std::uint64_t offset, std::string_view bytes, const Id& delivery) {
  must(offset >= sent.acked.size(), "the offset fell");
  sent.acked += bytes.substr(0, offset - sent.acked.size());
  must(sent.acked.size() == offset, "bytes are acknowledged that nobody sent");
  if (offset < sent.length) return;
  sent.state = Sent::State::complete;
  if (!sent.delivery) {
    auto& files = places_[sent.place].committed[delivery];
    must(files.empty(), "one upload became two files");
    files[sent.name] = sent.acked;
  }
  for (Handed& handed : handed_)
    if (handed.delivery == sent.delivery) handed.files[sent.name] = sent.acked;
}

void Nodes::ask_offset(std::size_t at) {
  Sent& sent = sent_[at];
  const auto row = node_of(sent.place).upload(places_[sent.place].created.space.guid, sent.upload);
  if (!row) broken("an upload is lost: " + row.error().what);
  must(row->offset >= sent.acked.size(), "the offset fell");
  if (row->offset == sent.acked.size()) return;
  const std::string stored = read(sent.place, sent.upload).substr(0, row->offset);
  must(stored.size() == row->offset && stored.starts_with(sent.acked), "acknowledged bytes were lost");
  const std::string more = stored.substr(sent.acked.size());
  const bool known = std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
    if (session.upload != at || session.start > sent.acked.size()) return false;
    const std::size_t from = sent.acked.size() - session.start;
    const std::string bytes = session.bytes + session.refused;
    return bytes.size() >= from && std::string_view(bytes).substr(from).starts_with(more);
  });
  must(known, "the upload has bytes that no one request sent");
  acknowledge(sent, row->offset, more, row->delivery);
}

void Nodes::ask_offset() {
  const auto running = alive(sent_, Sent::State::running);
  if (running.empty()) return;
  ask_offset(running[any(static_cast<unsigned>(running.size()))]);
  ++done_[doing_];
}

bool Nodes::begin_writing(std::size_t at) {
  ask_offset(at);
  Sent& sent = sent_[at];
  if (sent.state != Sent::State::running) return false;
  auto writer =
      node_of(sent.place).write(places_[sent.place].created.space.guid, sent.upload, sent.acked.size(), std::nullopt);
  if (!writer) {
    // Who had it until now has left more bytes; or it waits for its turn.
    refused(writer.error(), {Kind::conflict, Kind::locked, Kind::too_large, Kind::no_room, Kind::no_room_now},
            "it cannot go on");
    ask_offset(at);
    return false;
  }
  sessions_.push_back({at, std::move(*writer), sent.acked.size(), {}, {}});
  return true;
}

void Nodes::begin_writing() {
  const auto running = alive(sent_, Sent::State::running);
  if (!running.empty() && begin_writing(running[any(static_cast<unsigned>(running.size()))])) ++done_[doing_];
}

void Nodes::write_into(Session& session, std::size_t most) {
  const Sent& sent = sent_[session.upload];
  const auto who = static_cast<unsigned>(&session - sessions_.data());
  const std::uint64_t at = session.start + session.bytes.size();
  const std::string bytes = bytes_of(who, at, std::min<std::uint64_t>(most, sent.length - at));
  if (const auto written = session.writer->write(as_bytes(bytes))) {
    session.bytes += bytes;
    session.refused.clear();
  } else {
    refused(
        written.error(),
        {Kind::locked, Kind::gone, Kind::conflict, Kind::not_found, Kind::too_large, Kind::no_room, Kind::no_room_now},
        "its bytes were refused");
    if (bytes.size() > session.refused.size()) session.refused = bytes;
  }
}

void Nodes::write_more() {
  for (Session& session : sessions_) {
    if (session.writer == nullptr || any(3) != 0) continue;
    write_into(session, 1 + any(40));
    if (any(10) == 0) clock_.pass(Seconds(3));  // so that it is recorded on the way
    ++done_[doing_];
    return;
  }
}

void Nodes::end_session(Session& session) {
  Sent& sent = sent_[session.upload];
  const bool asked = any(3) != 0;  // or the client is gone
  if (asked) {
    const auto finished = session.writer->finish();
    if (!finished) {
      refused(finished.error(),
              {Kind::conflict, Kind::locked, Kind::gone, Kind::not_found, Kind::too_large, Kind::no_room,
               Kind::no_room_now},
              "the end");
    } else if (sent.state == Sent::State::running) {
      must(finished->offset >= session.start, "less is acknowledged than there was");
      // What another request has completed meanwhile is acknowledged to it.
      const std::uint64_t from = std::min<std::uint64_t>(sent.acked.size() - session.start, session.bytes.size());
      acknowledge(sent, finished->offset, std::string_view(session.bytes).substr(from),
                  finished->file ? finished->file->delivery : Id{});
    }
  }
  session.writer.reset();
  if (sent.state == Sent::State::running) ask_offset(session.upload);
}

void Nodes::end_writing() {
  for (Session& session : sessions_) {
    if (session.writer == nullptr || any(2) != 0) continue;
    end_session(session);
    ++done_[doing_];
    return;
  }
}

void Nodes::remove_upload() {
  const auto running = alive(sent_, Sent::State::running);
  if (running.empty()) return;
  const std::size_t at = running[any(static_cast<unsigned>(running.size()))];
  ask_offset(at);
  Sent& sent = sent_[at];
  if (sent.state != Sent::State::running) return;
  const auto removed = node_of(sent.place).remove_upload(places_[sent.place].created.space.guid, sent.upload);
  if (!removed) broken(removed.error().what);
  sent.state = Sent::State::gone;
  ++done_[doing_];
}

// --- deliveries

void Nodes::open_delivery() {
  Handed handed;
  handed.place = any_place();
  const auto row = node_of(handed.place).open_delivery(places_[handed.place].created.space.guid, {});
  if (!row) return refused(row.error(), {Kind::denied, Kind::too_many, Kind::no_room_now}, "it was refused");
  must(!places_[handed.place].closed, "a closed space took a delivery");
  handed.delivery = row->delivery;
  handed_.push_back(std::move(handed));
  ++done_[doing_];
}

void Nodes::put_small() {
  const auto open = alive(handed_, Handed::State::open);
  if (open.empty()) return;
  Handed& handed = handed_[open[any(static_cast<unsigned>(open.size()))]];
  std::string name = "small" + std::to_string(++names_);
  if (!handed.files.empty() && any(4) == 0) name = handed.files.begin()->first;  // again, with other bytes
  const std::string bytes = bytes_of(names_, 0, any(50));
  const auto row =
      node_of(handed.place).put_small(places_[handed.place].created.space.guid, handed.delivery, name, as_bytes(bytes));
  if (!row) return refused(row.error(), {Kind::too_large, Kind::no_room, Kind::no_room_now}, "it was refused");
  handed.files[name] = bytes;
  ++done_[doing_];
}

void Nodes::commit(std::size_t at) {
  Handed& handed = handed_[at];
  wire::CommitDelivery wish;
  if (any(2) == 0) wish.files = handed.files.size();
  const auto state = node_of(handed.place).commit(places_[handed.place].created.space.guid, handed.delivery, wish);
  if (!state) return refused(state.error(), {Kind::conflict}, "it was not committed");
  must(state->committed, "it is not committed");
  std::set<std::string> there, expected;
  for (const auto& file : state->files) there.insert(file.name);
  for (const auto& [name, bytes] : handed.files) expected.insert(name);
  must(there == expected, "the delivery has other files than were sent");
  handed.state = Handed::State::committed;
  places_[handed.place].committed[handed.delivery] = handed.files;
  for (Sent& sent : sent_)  // without a byte: they went with it
    if (sent.delivery == handed.delivery && sent.state == Sent::State::running) sent.state = Sent::State::gone;
  ++done_["commit"];
}

void Nodes::commit() {
  const auto open = alive(handed_, Handed::State::open);
  if (!open.empty()) commit(open[any(static_cast<unsigned>(open.size()))]);
}

void Nodes::cancel() {
  const auto open = alive(handed_, Handed::State::open);
  if (open.empty()) return;
  Handed& handed = handed_[open[any(static_cast<unsigned>(open.size()))]];
  const auto ended = node_of(handed.place).cancel(places_[handed.place].created.space.guid, handed.delivery);
  if (!ended) broken(ended.error().what);
  handed.state = Handed::State::gone;
  for (Sent& sent : sent_)
    if (sent.delivery == handed.delivery) sent.state = Sent::State::gone;
  ++done_[doing_];
}

}  // namespace qrx::test
