#!/bin/sh
# A program in whose shm_deque one message in EVERY is lost: each scenario notices, and the command it prints repeats that.
#   each_scenario_notices.sh PROGRAM EVERY [options]
set -eu
program=$1
export MULPROC_LOSE_ONE_IN=$2
shift 2
said=$(mktemp)
trap 'rm -f "$said"' EXIT
failed=0
notices() {  # what, command...
  what=$1
  shift
  if "$@" >"$said" 2>&1; then echo "$what: not noticed"; failed=1; return 1; fi
  grep -q 'BROKEN: ' "$said" || { echo "$what: ended, but not by an invariant:"; cat "$said"; failed=1; return 1; }
  echo "$what: $(sed -n 's/.*BROKEN: //p' "$said" | head -n 1)"
}
scenarios=$("$program" --list | awk '$2 == "shm_deque" && $3 == "trivially_copyable" && $4 ~ /^yes/ { print $1 }')
[ "$(echo "$scenarios" | wc -l)" -ge 12 ] || { echo "there are fewer scenarios than there were: $scenarios"; exit 1; }
for scenario in $scenarios; do
  notices "$scenario" "$program" "$scenario" --transport shm_deque --seed 1 "$@" || continue
  again=$(sed -n 's/^ *repeat it: //p' "$said" | head -n 1)
  # shellcheck disable=SC2086  # words of a command
  notices "  $again" $again
done
exit $failed
