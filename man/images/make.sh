#!/usr/bin/env bash
# Makes the pictures of this directory from the built programs: man/images/make.sh
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tests/support/qrx.sh"
. "$here/../../tests/support/screen.sh"
need_screen
start_screen
port=$(/usr/bin/python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
in_background serve qrx-serve --bind "127.0.0.1:$port" --data "$work/data" --public-url https://qrx.example.org
wait_for 20 test -s serve.out
cat >session <<END
#!/bin/bash
printf '\e[1m$ qrx-recv -o Inbox\e[0m\n'
exec qrx-recv --server http://127.0.0.1:$port -o "$work/Inbox" --label "Anna's laptop"
END
chmod +x session
mkdir Inbox
start_terminal xterm dark 'DejaVu Sans Mono' 84x34 "$work/session"
code_is_shown() { screenshot shot.png && zbarimg -q --raw shot.png | grep -qi '^https://qrx.example.org/u/'; }
wait_for 15 code_is_shown
convert shot.png -trim +repage -bordercolor black -border 12 -colors 16 -strip -define png:compression-level=9 "$here/qrx-recv.png"
ls -l "$here/qrx-recv.png"
