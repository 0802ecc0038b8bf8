#!/usr/bin/env bash
# run: timeout=180
# Both ways with Debian's age: what src/seal seals, age opens, and what age seals, src/seal opens.
. "$(dirname "$0")/../support/qrx.sh"

open_file() { seal-driver open "${@:2}" <"$1"; }

command -v age >/dev/null || skip "age is not installed"
seal-driver keygen >ours || fail "no key pair"
export SEAL_IDENTITY
SEAL_IDENTITY=$(head -n 1 ours)
recipient=$(tail -n 1 ours)
head -n 1 ours >ours.key
expect_equal "$recipient" "$(age-keygen -y ours.key)" "the recipient that age computes from our identity"

age-keygen -o theirs.key 2>/dev/null || fail "age-keygen does not work"
their_recipient=$(sed -n 's/^# public key: //p' theirs.key)
their_identity=$(grep AGE-SECRET-KEY theirs.key)

for size in 0 1 65535 65536 65537 131072 1000001; do
  head -c "$size" /dev/urandom >plain
  seal-driver seal "$their_recipient" <plain >sealed || fail "cannot seal $size bytes"
  age -d -i theirs.key <sealed >opened || fail "age does not open what we sealed ($size bytes)"
  expect_same_file plain opened

  age -r "$recipient" -o sealed plain || fail "age does not seal"
  run open_file sealed 1000
  expect_status 0
  expect_same_file plain out
done

# To several recipients, ours in the middle; and age's own grease is passed over.
age-keygen -o third.key 2>/dev/null
third_recipient=$(sed -n 's/^# public key: //p' third.key)
age -r "$their_recipient" -r "$recipient" -r "$third_recipient" -o sealed plain || fail "age does not seal to three"
run open_file sealed
expect_status 0
expect_same_file plain out
expect_equal no_match "$(seal-driver seal "$their_recipient" <plain | seal-driver open 2>&1 >/dev/null)" "a file for someone else"

# Keys in the other case.
upper=$(printf %s "$recipient" | tr '[:lower:]' '[:upper:]')
seal-driver seal "$upper" <plain | age -d -i ours.key >opened || fail "a recipient in upper case"
expect_same_file plain opened
SEAL_IDENTITY=$(printf %s "$their_identity" | tr '[:upper:]' '[:lower:]') seal-driver open <sealed >opened || fail "an identity in lower case"
expect_same_file plain opened

# Armored files are refused as what they are.
age -a -r "$recipient" -o sealed plain || fail "age does not armor"
run open_file sealed
expect_status 6
expect_equal armored "$(cat err)" "the refusal of an armored file"
