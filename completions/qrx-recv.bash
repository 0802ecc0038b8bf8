# bash completion for qrx-recv, made by qrx-recv --completion bash
_qrx_recv() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $word == = && $before == --* ]]; then word=; fi
  if [[ $before == = && $COMP_CWORD -ge 2 ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
  case $before in
    -o|--output)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --on-conflict)
      COMPREPLY=($(compgen -W 'rename refuse overwrite' -- "$word"))
      return ;;
    --preview)
      COMPREPLY=($(compgen -W 'auto never always' -- "$word"))
      return ;;
    --exec)
      return ;;
    --resume)
      return ;;
    -n|--count)
      return ;;
    -t|--timeout)
      return ;;
    -i|--interval)
      return ;;
    -e|--expire)
      return ;;
    --max-size)
      return ;;
    --max-files)
      return ;;
    --label)
      return ;;
    --seal)
      COMPREPLY=($(compgen -W 'offer require off' -- "$word"))
      return ;;
    --identity)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --inbox)
      return ;;
    --extend)
      return ;;
    --qr-file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --poster)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    -b|--bind)
      return ;;
    --public-url)
      return ;;
    --token-file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    -s|--server)
      return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '-o --output --on-conflict --preview --clipboard --ask --exec --resume -0 --print0 --sha256 -n --count -f --follow -t --timeout -i --interval -e --expire --max-size --max-files --label --seal --identity --keep --inbox --list --show --extend --close --delete --qr --no-qr --invert --qr-file --poster -b --bind --public-url --token-file -s --server -q --quiet -v --verbose --no-progress --json -h --help -V --version' -- "$word"))
    return
  fi
}
complete -F _qrx_recv qrx-recv
