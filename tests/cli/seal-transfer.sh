#!/usr/bin/env bash
# run: timeout=120
# From qrx-send to qrx-recv under seal, in all sizes; with age and curl instead of either; and what nobody else can read.
. "${QRX_SOURCE:-$(dirname "$0")/../..}/tests/support/qrx.sh"
age=${QRX_AGE:-age}
command -v "$age" >/dev/null || skip 'age is not installed'
start_server -vv

# opened NAME ARG...: a qrx-recv in the background; sets drop
opened() {
  local name=$1
  shift
  in_background "$name" qrx-recv --json -s "$server_url" "$@"
  space_told() { grep -q '"event":"space"' "$work/$name.out"; }
  wait_for 20 space_told
  drop=$(head -n 1 "$name.out" | json - "d['drop']")
}

mkdir in
secret='the plain text that nobody may find'
name=a-name-that-nobody-may-find
printf '%s\n' "$secret" >"$name.txt"
head -c 70000 /dev/urandom >middle.bin
{ for _ in $(seq 40000); do printf '%s %s\n' "$secret" "$RANDOM$RANDOM$RANDOM"; done; } >"large-$name.log"
: >empty
mkdir tree
for n in $(seq 40); do head -c $((n * 999)) /dev/urandom >"tree/$name $n"; done

# --- all sizes, alone and together
for what in "$name.txt" middle.bin "large-$name.log" empty tree "$name.txt middle.bin large-$name.log"; do
  rm -rf in && mkdir in
  opened recv -o in/
  # shellcheck disable=SC2086
  run qrx-send -l "$drop" -m "message: $secret" $what
  expect_status 0
  finish recv
  expect_status 0
  (cd in && xxh128sum -c --quiet ../out) || fail "the sums that qrx-send printed are not those of $what"
  for file in $what; do diff -r "$file" "in/$(basename "$file")" || fail "$file is not what was sent"; done
  expect_match "\"message\":\"message: $secret\"" recv.out
  expect_match '"event":"saved".*"sealed":true' recv.out
  expect_no_match '"sealed":false' recv.out
  expect_equal '' "$(find in -name '*.qrx-part' -o -name '*.age')" 'what is left over'
done
expect_equal '' "$(find "$XDG_STATE_HOME" -name '*.key')" 'keys of spaces that are gone'

# --- streams
opened recv -o in/streamed
qrx-send -q -l "$drop" --name s - <"large-$name.log" >out 2>err || fail 'a stream'
finish recv
expect_same_file "large-$name.log" in/streamed
in_background recv qrx-recv -s "$server_url" -o - --qr-file stream.svg
link_told() { grep -q AGE1 recv.err; }
wait_for 20 link_told
run qrx-send -l "$(grep -o 'HTTP.*AGE1[0-9A-Z]*' recv.err)" "large-$name.log"
expect_status 0
finish recv
expect_status 0
expect_same_file "large-$name.log" recv.out

# --- limits count files, not what belongs to the seal
opened recv -o in/limited/ --max-files 1
run qrx-send -q -l "$drop" middle.bin
expect_status 0
finish recv
expect_same_file middle.bin in/limited/middle.bin

# --- age opens what lies on the server's disk, with the key from the state file
opened recv -o in/kept/ --keep
guid=$(head -n 1 recv.out | json - "d['guid']") owner=$(head -n 1 recv.out | json - "d['owner']")
run qrx-send -q -l "$drop" "$name.txt"
expect_status 0
finish recv
key=$XDG_STATE_HOME/qrx/identities/$guid.key
expect_equal 600 "$(stat -c %a "$key")" 'mode of the secret key'
found=
while read -r blob; do
  "$age" -d -i "$key" "$blob" 2>/dev/null | cmp -s - "$name.txt" && found=$blob
done < <(grep -rl age-encryption.org/v1 data)
[ -n "$found" ] || fail 'no blob is the sealed file'

# --- another run, and another machine, open the space with the key; without it nothing is opened
run qrx-recv -o in/again/ "$owner"
expect_same_file "$name.txt" "in/again/$name.txt"
cp "$key" elsewhere.key
rm "$key"
run qrx-recv --json -o in/without/ "$owner"
expect_status 0
expect_no_file "in/without/$name.txt"
expect_match '"sealed":false' out
run qrx-recv -o in/with/ --identity elsewhere.key "$owner"
expect_same_file "$name.txt" "in/with/$name.txt"
secret_key=$(grep -v '^#' elsewhere.key)
QRX_IDENTITY=$secret_key qrx-recv -q -o in/env/ "$owner" || fail 'the key in the environment'
expect_same_file "$name.txt" "in/env/$name.txt"
run qrx-recv --identity "$secret_key" "$owner"
expect_status 2
expect_no_match "$secret_key" err
chmod 644 elsewhere.key
run qrx-recv -o in/open/ --identity elsewhere.key "$owner"
[ "$status" -ne 0 ] || fail 'it took a secret key that others can read'

# --- nothing of it lies on the server's disk or stands in its log
stop_server
for text in "$secret" "$name" "$secret_key"; do
  ! grep -rqF "$text" data "$server_log" || fail "the server knows: $text"
done
start_server

# --- age and curl
opened recv -o in/curl/ -n 3
recipient=$(tr 'A-Z' 'a-z' <<<"${drop##*#}")
plain=${drop%%#*}
"$age" -r "$recipient" "large-$name.log" | curl -sS -T - "$plain/large.log.age" >out || fail curl
"$age" -r "$recipient" <middle.bin | curl -sS -T - "$plain/middle.bin.age" >out || fail curl
"$age-keygen" 2>/dev/null | grep -v '^#' >other.key
"$age" -r "$("$age-keygen" -y other.key)" <middle.bin >others.age
curl -sS -T others.age "$plain/" >out || fail curl
finish recv
expect_status 0
expect_same_file "large-$name.log" in/curl/large.log
expect_same_file middle.bin in/curl/middle.bin
expect_same_file others.age in/curl/others.age
expect_match 'others.age could not be decrypted and is saved as it came' recv.err

# --- require, on both sides
run qrx-send --seal require -l "$plain" middle.bin
expect_status 2
opened recv -o in/required/ --seal require
plain=${drop%%#*}
expect_equal 403 "$(curl -s -o answer -w '%{http_code}' -T middle.bin "$plain/")" 'plain bytes'
expect_equal 403 "$(printf age- | curl -s -o answer -w '%{http_code}' -T - "$plain/short")" 'the beginning of a header'
expect_equal 403 "$(curl -s -o answer -w '%{http_code}' -F f=@middle.bin "$plain")" 'a form'
for link in "$plain" "$drop"; do
  run qrx-send --seal off -l "$link" middle.bin
  expect_status 4
  expect_match 'accepts only encrypted files' err
done
run qrx-send --seal require -l "$drop" middle.bin "$name.txt"
expect_status 0
finish recv
expect_status 0
expect_same_file middle.bin in/required/middle.bin
opened recv -o in/required/ --seal require
curl -sS -T others.age "${drop%%#*}/" >out
finish recv
expect_status 6
expect_no_file in/required/others.age

# --- off: no key, nothing sealed
opened recv -o in/off/ --seal off
case $drop in *'#'*) fail "a key in $drop" ;; esac
run qrx-send -q -l "$drop" "$name.txt"
finish recv
expect_match '"sealed":false' recv.out

# --- the words, and a key that is not the server's
opened recv -o in/words/
words=$(head -n 1 recv.out | json - "d['words']")
run qrx-send -l "$drop" --expect 'four other short words' middle.bin
expect_status 6
QRX_EXPECT=${words//-/ } qrx-send -l "$drop" middle.bin >out 2>err || fail "the right words are refused: $(cat err)"
finish recv
opened recv -o in/words/
run qrx-send -l "${drop%%#*}#$("$age-keygen" -y other.key)" middle.bin
expect_status 6
expect_match 'name different keys' err
kill -TERM "$pid_recv"
finish recv
