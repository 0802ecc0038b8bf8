// How long and how many: what messages, names and lists of the protocol hold at most (qrx-protocol(7)). Both sides know
// these numbers from here alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qrx::wire {

// JSON, whoever wrote it.
inline constexpr std::size_t most_json_bytes = 64U << 20;
inline constexpr int most_json_depth = 16;
inline constexpr std::size_t most_text_bytes = 65536;      // of a member that has no limit of its own
inline constexpr std::size_t most_event_bytes = 1U << 20;  // of a line that a tool says with --json

// Bodies of requests, by what is in them.
inline constexpr std::size_t most_request_bytes = 16384;  // without a long text and without a list
inline constexpr std::size_t most_form_bytes = 4096;      // of a button in a page

// Spaces and deliveries.
inline constexpr std::size_t most_label_bytes = 200;
inline constexpr std::size_t most_key_bytes = 200;   // of an age recipient or identity
inline constexpr std::size_t most_next_bytes = 200;  // of what names the next page
inline constexpr std::uint64_t most_seconds = 3650ULL * 86400;
// Of a sender's message, in UTF-8. Longer ones are refused before anything is sent; none is ever cut by the sender.
inline constexpr std::size_t most_message_bytes = 16384;
// Of a request that carries one: JSON may write a byte as six ("\u0001").
inline constexpr std::size_t most_delivery_request_bytes = 6 * most_message_bytes + 1024;

// Names of files.
inline constexpr std::size_t most_name_bytes = 4096;  // PATH_MAX of Linux
inline constexpr std::size_t most_part_bytes = 255;   // NAME_MAX of nearly every file system

// Files. A small one may come whole into an open delivery, in one request.
inline constexpr std::uint64_t most_small_bytes = 256U << 10;
inline constexpr std::size_t most_metadata_bytes = 16384;     // of Upload-Metadata
inline constexpr std::size_t most_concatenated_parts = 1000;  // of Upload-Concat
inline constexpr std::size_t most_form_parts = 10'000;        // of multipart/form-data
inline constexpr std::size_t most_form_part_head_bytes = 8192;

// Of the list of a sealed delivery's files, sealed: its text is JSON, and sealing makes it a little longer.
inline constexpr std::uint64_t most_manifest_bytes = most_json_bytes + (1U << 20);

// Files that it names: with packs, of which the server counts one each, that would be all that fits into it.
inline constexpr std::size_t most_manifest_files = 1'000'000;

// Receipts.
inline constexpr std::size_t most_receipt_files = 10'000;  // of one request
inline constexpr std::size_t most_receipt_request_bytes = 64 * most_receipt_files;
inline constexpr std::size_t most_unsaved_files = 1000;  // that the status of a delivery names

// Shares.
inline constexpr std::size_t most_share_message_bytes = 500;
inline constexpr std::size_t most_recipients = 100'000;             // of one message; the server's own limit is lower
inline constexpr std::size_t most_shares_request_bytes = 4U << 20;  // thousands of recipients
inline constexpr std::size_t most_reason_bytes = 1000;              // why a notice failed
inline constexpr std::size_t most_recipient_bytes = 2048;           // as text, its form before it

// Links.
inline constexpr std::size_t most_link_bytes = 1000;
inline constexpr std::size_t most_given_link_bytes = 4000;  // with what messengers and documents put around it

}  // namespace qrx::wire
