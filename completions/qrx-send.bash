# bash completion for qrx-send, made by qrx-send --completion bash
_qrx_send() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $word == = && $before == --* ]]; then word=; fi
  if [[ $before == = && $COMP_CWORD -ge 2 ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
  case $before in
    -i|--image)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    -c|--camera)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    -l|--link)
      return ;;
    --to)
      return ;;
    --save-as)
      return ;;
    --forget)
      return ;;
    --expect)
      return ;;
    -t|--timeout)
      return ;;
    -T|--text)
      return ;;
    --name)
      return ;;
    -m|--message)
      return ;;
    --seal)
      COMPREPLY=($(compgen -W 'auto require off' -- "$word"))
      return ;;
    --limit-rate)
      return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '-i --image -c --camera --screen -l --link --to --save-as --forget --scan-only --any --expect --thorough -t --timeout -T --text --clipboard --name -p --preserve --skip-errors -m --message --seal --limit-rate --sha256 --wait -y --yes -q --quiet -v --verbose --no-progress --json -h --help -V --version' -- "$word"))
    return
  fi
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _qrx_send qrx-send
