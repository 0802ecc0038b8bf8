#!/usr/bin/env bash
# Files that are not as long as they say; names that cannot travel; closed standard streams.
. "$(dirname "$0")/../support/qrx.sh"
start_server
command -v age-keygen >/dev/null || skip 'age-keygen is not installed'
age-keygen -o key.txt 2>/dev/null
stored() { QRX_IDENTITY=$(grep -v '^#' key.txt) qrx-recv -q -o "$1/" "$owner" >stored.out; }
space_with_key() { new_space "{\"key\": \"$(age-keygen -y key.txt)\"}"; }

# --- a size of 0, or of a page, is not believed: plain and sealed, alone and in company
for seal in off auto; do
  space_with_key
  run qrx-send -q -l "$drop" --seal $seal /proc/sys/kernel/ostype /proc/version
  expect_status 0
  expect_equal 2 "$(wc -l <out)" "lines, --seal $seal"
  stored "proc-$seal" || fail "the owner gets nothing, --seal $seal"
  expect_equal "$(cat /proc/sys/kernel/ostype)" "$(cat "proc-$seal/ostype")" "ostype, --seal $seal"
  expect_equal "$(cat /proc/version)" "$(cat "proc-$seal/version")" "version, --seal $seal"
done

# --- names that cannot travel arrive changed, and that is said; what is missing is named, all of it, and nothing is sent
new_space
mkdir -p d/sub
echo 1 >d/good
touch d/$'old\xe9.txt' d/$'two\nlines' 'd/dev-sda\x2d1.swap' d/sub/$'q\xff'
run qrx-send -l "$drop" d missing lost
expect_status 1
expect_match 'cannot read missing: no such file' err
expect_match 'cannot read lost: no such file' err
expect_match '^hint: .*--skip-errors leaves these 2 out' err
expect_equal '' "$(cat out)" 'stdout when nothing was sent'
run qrx-send -l "$drop" d
expect_status 0
expect_match 'name changed: d/old.xe9.txt is sent as d/old%E9.txt$' err
expect_match 'name changed: d/two.x0alines is sent as d/two%0Alines$' err
expect_match 'name changed: .* is sent as d/dev-sda%5Cx2d1.swap$' err
expect_match 'name changed: .* is sent as d/sub/q%FF$' err
stored renamed || fail 'the owner gets nothing'
expect_equal 'd d/dev-sda%5Cx2d1.swap d/good d/old%E9.txt d/sub d/sub/q%FF d/two%0Alines' \
  "$(cd renamed && find d | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')" 'what arrived'
# --- or left out
new_space
run qrx-send -l "$drop" --skip-errors d missing lost
expect_status 3
expect_equal 2 "$(grep -c 'skipped$' err)" 'warnings'
expect_match '  d/good$' out
stored skipped || fail 'the owner gets nothing'
expect_equal 1 "$(cat skipped/d/good)" 'what was left'
run qrx-send -q -l "$drop" --skip-errors missing
expect_status 1

# --- a pipe and a process substitution have the name that is given
new_space
run qrx-send -q -l "$drop" --name 'from a pipe.txt' <(echo piped)
expect_status 0
stored named || fail 'the owner gets nothing'
expect_equal piped "$(cat 'named/from a pipe.txt')" 'the named stream'

# --- closed standard streams: said, or done without them; never waited for, and no file gets their numbers
new_space
timeout 20 qrx-send -q -l "$drop" - <&- >out 2>err && fail 'sent a closed standard input'
expect_match 'cannot read standard input' err
timeout 20 qrx-send -q -l "$drop" d/good >&- 2>err && fail 'sums were written nowhere, and nobody was told'
timeout 20 qrx-send -q -l "$drop" --name again d/good 2>&- >out || fail 'a closed stderr'
expect_match '  again$' out
for tool in qrx-recv qrx-share qrx-serve; do
  timeout 20 "$tool" --version <&- >out 2>&- || fail "$tool without stdin and stderr"
done
