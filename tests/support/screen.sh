# shellcheck shell=bash
# For tests in real terminal emulators: an X server without a screen, terminals in it, and screenshots.
# After qrx.sh: . "$QRX_SOURCE/tests/support/screen.sh"
#
#   need_screen                        skips the test where Xvfb, xterm or ImageMagick is missing
#   start_screen                       Xvfb on a display of its own; sets DISPLAY
#   in_terminal EMULATOR THEME FONT COLUMNSxROWS COMMAND...
#                                      runs COMMAND in xterm or urxvt (THEME dark or light) and comes back when the
#                                      terminal has taken in all of its output; the window stays until close_terminal
#   start_terminal EMULATOR THEME FONT COLUMNSxROWS COMMAND...
#                                      the same, without waiting: for a command that goes on
#   screenshot FILE                    the whole screen as PNG
#   close_terminal
need_screen() {
  local tool
  for tool in Xvfb xterm import zbarimg; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
}

start_screen() {
  in_background xvfb Xvfb -displayfd 3 -screen 0 1400x1100x24 -nolisten tcp 3>"$work/display"
  wait_for 20 test -s "$work/display"
  DISPLAY=:$(cat "$work/display")
  export DISPLAY
}

start_terminal() { # EMULATOR THEME FONT SIZE COMMAND...
  local emulator=$1 theme=$2 font=$3 size=$4 ink ground options
  shift 4
  case $theme in dark) ink=gray90 ground=black ;; *) ink=black ground=white ;; esac
  case $emulator in
    xterm) options=(-xrm 'XTerm*allowWindowOps: false' -fg "$ink" -bg "$ground" -geometry "$size+5+5" -fa "$font" -fs 10) ;;
    urxvt) options=(-fg "$ink" -bg "$ground" -geometry "$size+5+5" -fn "xft:$font:pixelsize=14" +sb) ;;
    *) fail "unknown terminal $emulator" ;;
  esac
  "$emulator" "${options[@]}" -e "$@" >"$work/$emulator.out" 2>&1 </dev/null &
  terminal_pid=$!
  background+=("$terminal_pid")
}

terminal_number=0
in_terminal() {
  local where=("${@:1:4}") ready
  shift 4
  terminal_number=$((terminal_number + 1))
  ready=$work/terminal.$terminal_number
  # The answer to "where is the cursor" comes when everything before it was taken in.
  cat >"$work/in-terminal" <<'END'
#!/bin/bash
ready=$1
shift
"$@" 2>>"$ready.err"
printf '%s' $? >"$ready.status"
stty -echo -icanon
printf '\e[?25l\e[6n'
IFS= read -r -d R -t 10 _
: >"$ready"
read -r -t 60 _
END
  chmod +x "$work/in-terminal"
  start_terminal "${where[@]}" "$work/in-terminal" "$ready" "$@"
  wait_for 20 test -e "$ready"
  terminal_status=$(cat "$ready.status")
}

close_terminal() {
  kill "$terminal_pid" 2>/dev/null
  wait "$terminal_pid" 2>/dev/null
  return 0
}

screenshot() { import -silent -window root "$1"; }
