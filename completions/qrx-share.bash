# bash completion for qrx-share, made by qrx-share --completion bash
_qrx_share() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $word == = && $before == --* ]]; then word=; fi
  if [[ $before == = && $COMP_CWORD -ge 2 ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
  case $before in
    -f|--file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --name)
      return ;;
    --to-file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --space)
      return ;;
    -m|--message)
      return ;;
    -e|--expire)
      return ;;
    -n|--downloads)
      return ;;
    --qr-file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --seal)
      COMPREPLY=($(compgen -W 'require off' -- "$word"))
      return ;;
    -b|--bind)
      return ;;
    --public-url)
      return ;;
    --token-file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --via)
      COMPREPLY=($(compgen -W 'server local' -- "$word"))
      return ;;
    --identity)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    -t|--timeout)
      return ;;
    --revoke)
      return ;;
    -s|--server)
      return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '-f --file --name -p --preserve --to-file --space -m --message -e --expire -n --downloads --qr --no-qr --invert --qr-file --seal -b --bind --public-url --token-file --via --with-key --identity --again --watch -t --timeout --list --revoke -d --dry-run -s --server -q --quiet -v --verbose --no-progress --json -h --help -V --version' -- "$word"))
    return
  fi
}
complete -F _qrx_share qrx-share
