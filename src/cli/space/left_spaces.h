// The end of a run's space, and what earlier runs left (unsaved.h): asked of the server that has it, saved, deleted.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "cli/events.h"
#include "cli/space/identities.h"
#include "cli/space/unsaved.h"
#include "cli/user_messages.h"
#include "receive/receiver.h"
#include "wire/link.h"

namespace qrx::cli {

// What is in a space and not among the `finished` deliveries. With nothing left the space is deleted, unless `keep`; a
// space that is gone holds nothing. Without `keep` it takes no new deliveries from now on. Blocks for some seconds at
// most.
Result<UnsavedSpace::Left> delete_or_count(const wire::OwnerLink& link, const receive::Finished& finished, bool keep);

// Nothing is left: the directory goes, what was remembered of the space, and files that never became whole.
void forget_unsaved(RunDirectory& directory, const UnsavedSpace& space);

// Tells people what stays, until when, and how to get it: at the end of its own run as a warning, in a later one
// (`earlier`) as a notice.
void say_unsaved(const UnsavedSpace& space, bool earlier, Messages& messages);
// And machines, too: not of what another run left, so that the first event of a run is of its own.
void tell_unsaved(const UnsavedSpace& space, bool earlier, Messages& messages, StdoutWriter& to_stdout);

// Which of what earlier runs left is to be saved now.
struct LeftWanted {
  std::string place;   // place_of() this run: what was meant for it is saved
  bool ask = false;    // also what nobody said yes to
  std::string resume;  // "all", or a GUID: that, whatever its place; else empty
};

// Saves what it can of one space, and returns what is finished of it. Blocks.
using SaveLeft = std::function<receive::Finished(const UnsavedSpace&, const SharedIdentity&)>;

// Call before any thread is started (own_server.h). What is not wanted is mentioned in a line. Returns how many spaces
// were wanted.
std::size_t visit_left_runs(const LeftWanted& wanted, const SaveLeft& save, Messages& messages,
                            StdoutWriter& to_stdout);

// After a run with an owner link of its own saved everything that its space holds.
void forget_left_run(const Guid& guid, const receive::Finished& finished);

}  // namespace qrx::cli
