#!/usr/bin/env bash
# The scripts are sound: shellcheck for the shell, a compile for python.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
shell=() python=()
while IFS= read -r file; do
  case $(head -c 40 "$file" | tr -d "\0" | head -n 1) in
    '#!'*bash* | '#!'*/sh* | '# shellcheck shell='*) shell+=("$file") ;;
    '#!'*python*) python+=("$file") ;;
  esac
done < <(find .ci cmd tests completions -name node_modules -prune -o -name __pycache__ -prune -o -type f -size -200k -print | sort)
python+=(tests/support/*.py)
status=0
# Helpers set variables for the scripts that read them (2154, 2034): shellcheck does not see through `printf -v`. 2238: a file may be named link.
shellcheck --severity=warning --exclude=SC2154,SC2034,SC2238 --external-sources --source-path="$root/tests/support" "${shell[@]}" || status=1
for file in "${python[@]}"; do
  /usr/bin/python3 - "$file" <<'PYTHON' || status=1
import ast, sys
ast.parse(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1])
PYTHON
done
echo "${#shell[@]} shell scripts, ${#python[@]} python scripts"
exit $status
