#!/usr/bin/env bash
# The completion scripts work in the shells they are for.
. "$(dirname "$0")/../support/qrx.sh"
completions=$QRX_SOURCE/completions
touch 'a picture.png'

complete_in_bash() { # WORD... -> one candidate a line
  bash --norc -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_${1//-/_}" 2>/dev/null; printf "%s\n" "${COMPREPLY[@]}"' \
    bash "$completions/$1.bash" "$@"
}
complete_in_bash qrx-recv --on-c >got
expect_equal --on-conflict "$(cat got)" bash
complete_in_bash qrx-recv --on-conflict re >got
expect_equal "$(printf 'rename\nrefuse')" "$(cat got)" 'bash, choices'
complete_in_bash qrx-recv --on-conflict = r >got
expect_equal "$(printf 'rename\nrefuse')" "$(cat got)" 'bash, choices after ='
complete_in_bash qrx-send -i a >got
expect_equal 'a picture.png' "$(cat got)" 'bash, files'
complete_in_bash qrx-serve sw >got
expect_equal sweep "$(cat got)" 'bash, commands'

in_fish() { fish --no-config -c "source $completions/${1%% *}.fish; complete -C '$1'" | cut -f1; }
expect_equal --on-conflict "$(in_fish 'qrx-recv --on-c')" fish
expect_equal "$(printf 'overwrite\nrefuse\nrename')" "$(in_fish 'qrx-recv --on-conflict ' | sort)" 'fish, choices'
expect_equal "'a picture.png'" "'$(in_fish 'qrx-send -i a' | sed 's/\\//g')'" 'fish, files'
for tool in qrx-recv qrx-send qrx-serve qrx-share; do
  fish --no-config -n "$completions/$tool.fish" || fail "fish cannot read $tool.fish"
  zsh -n "$completions/_$tool" || fail "zsh cannot read _$tool"
done
# A zsh of its own in a pseudo-terminal, with Tab pressed in it.
cat >press.py <<'EOF'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", PS1="> ")
    os.execvp("zsh", ["zsh", "-f", "-i"])
def read(until, seconds=20):
    text, limit = b"", time.monotonic() + seconds
    while until not in text and time.monotonic() < limit:
        if select.select([fd], [], [], 0.1)[0]:
            text += os.read(fd, 4096)
    return text
os.write(fd, f"fpath=({sys.argv[1]} $fpath); autoload -U compinit; compinit -D -u; PS1=ready'> '\n".encode())
read(b"ready> ")
os.write(fd, sys.argv[2].encode() + b"\t")
print(read(sys.argv[3].encode()).decode(errors="replace"))
os.kill(pid, 9)
EOF
/usr/bin/python3 press.py "$completions" 'qrx-recv --on-c' '--on-conflict' >got
expect_match '--on-conflict' got
/usr/bin/python3 press.py "$completions" 'qrx-recv --on-conflict ov' 'overwrite' >got
expect_match 'overwrite' got
