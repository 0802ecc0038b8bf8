# bash completion for qrx-serve, made by qrx-serve --completion bash
_qrx_serve() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $word == = && $before == --* ]]; then word=; fi
  if [[ $before == = && $COMP_CWORD -ge 2 ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
  case $before in
    -b|--bind)
      return ;;
    --socket-mode)
      return ;;
    --socket-group)
      return ;;
    -D|--data)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return ;;
    --catalog)
      return ;;
    --catalog-listen)
      return ;;
    --blobs)
      return ;;
    --durability)
      COMPREPLY=($(compgen -W 'commit relaxed' -- "$word"))
      return ;;
    --s3-endpoint)
      return ;;
    --s3-region)
      return ;;
    --s3-ca)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --s3-credentials)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --spool)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return ;;
    --spool-max)
      return ;;
    --public-url)
      return ;;
    --trusted-proxy)
      return ;;
    --tls-cert)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --tls-key)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --metrics-bind)
      return ;;
    --expire)
      return ;;
    --max-expire)
      return ;;
    --max-size)
      return ;;
    --max-files)
      return ;;
    --max-total)
      return ;;
    --max-spaces)
      return ;;
    --create)
      COMPREPLY=($(compgen -W 'open token' -- "$word"))
      return ;;
    --token-file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --create-rate)
      return ;;
    --max-per-address)
      return ;;
    --log)
      COMPREPLY=($(compgen -W 'text json' -- "$word"))
      return ;;
    --from)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --notify)
      return ;;
    --config)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '-b --bind --socket-mode --socket-group -D --data --catalog --catalog-listen --blobs --durability --s3-endpoint --s3-region --s3-path-style --s3-ca --s3-credentials --s3-insecure --spool --spool-max --redirect --public-url --trusted-proxy --tls-cert --tls-key --metrics-bind --expire --max-expire --max-size --max-files --max-total --max-spaces --create --token-file --create-rate --max-per-address --log --from --notify --config -q --quiet -v --verbose --no-progress --json -h --help -V --version' -- "$word"))
    return
  fi
  COMPREPLY=($(compgen -W 'sweep check list block delete migrate copy' -- "$word"))
}
complete -F _qrx_serve qrx-serve
