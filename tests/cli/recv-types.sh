#!/usr/bin/env bash
# What a file is, its content says: the same to the owner, in the events of qrx-recv, plain or sealed, whatever its name.
. "$(dirname "$0")/../support/qrx.sh"
start_server
command -v convert >/dev/null || skip "ImageMagick is not installed"

mkdir files
convert -size 32x32 gradient:red-blue files/picture.txt.png && mv files/picture.txt.png files/picture.txt
convert -size 32x32 gradient:red-blue files/photo.webp
convert -size 32x32 gradient:red-blue jpeg:files/photo
printf '%%PDF-1.4\n%%\xe2\xe3\xcf\xd3\n' >files/paper.jpg
printf '<html><script>alert(1)</script>' >files/page.html
(cd files && tar cf list.tar photo && gzip -k list.tar)
printf '\0\0\0\x18ftypmp42\0\0\0\0mp42isom' >files/film.mp4
head -c 400000 /dev/urandom >files/noise.png
printf '\x7fELF' >files/program
declare -A type=([picture.txt]=image/png [photo.webp]=image/webp [photo]=image/jpeg [paper.jpg]=application/pdf
  [page.html]='text/plain; charset=utf-8' [list.tar]=application/x-tar [list.tar.gz]=application/gzip [film.mp4]=video/mp4
  [noise.png]=application/octet-stream [program]=application/octet-stream)

for seal in off require; do
  in_background recv qrx-recv -s "$server_url" --json --seal $seal --qr-file "$seal.png" -o "got-$seal/"
  wait_for 20 grep -qs '"event":"space"' recv.out
  run qrx-send -l "$(head -n 1 recv.out | json - "d['drop']")" files/*
  expect_status 0
  finish recv
  expect_status 0
  for name in "${!type[@]}"; do
    expect_equal "${type[$name]}" "$(grep '"event":"saved"' recv.out | grep -F "\"name\":\"$name\"" | json - "d['type']")" "$seal: $name"
  done
done

# The owner's view of what came plain.
new_space
run qrx-send -l "$drop" files/*
expect_status 0
curl -sS -H "Authorization: Bearer $token" "$server_url/api/v1/spaces/$guid" >state.json
for name in "${!type[@]}"; do
  expect_equal "${type[$name]}" "$(json state.json "[f['type'] for f in d['deliveries'][0]['files'] if f['name'] == '$name'][0]")" "owner: $name"
done
