#!/bin/sh
# A program in whose shm_deque each sender loses one message in EVERY: each scenario notices, and the command that it prints
# repeats that. A line for each: how many messages there were, how many of them were lost, how long both runs took, and what
# was said the second time.
#   each_scenario_notices.sh PROGRAM EVERY
set -eu
program=$1
every=$2
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# Notices it, or says why not; leaves what was said in the file.
notices() {
  begin=$(date +%s%N)
  if timeout 100 "$@" >"$said" 2>&1; then code=0; else code=$?; fi
  seconds=$(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $begin) / 1e9 }")
  lost=$(grep -c '^seeded: lost ' "$said" || true)
  messages=$(awk '$2 == "shm_deque" { print $4; exit }' "$said")
  caught=$(sed -n 's/.*BROKEN: //p' "$said" | head -n 1)
  case $code:$lost in
    0:0) why="no message of $messages was lost: too few for the bug to touch it" ;;
    0:*) why="not noticed: $lost of $messages messages were lost" ;;
    124:*) why="no end within 100 s; $lost lost" ;;
    *) [ -z "$caught" ] || return 0; why="ended with $code, but not by an invariant" ;;
  esac
  printf '%s\n' "$why"
  grep -v '^seeded: ' "$said" | tail -n 20
  return 1
}

scenarios=$("$program" --list | awk '$2 == "shm_deque" && $3 == "trivially_copyable" && $4 ~ /^yes/ { print $1 }')
[ "$(echo "$scenarios" | wc -l)" -ge 12 ] || { echo "there are fewer scenarios than there were: $scenarios"; exit 1; }
printf '%-14s %9s %6s %9s %9s   %s\n' scenario messages lost seconds repeated caught
failed=0
for scenario in $scenarios; do
  children=2  # few, as in fan_in each child must send EVERY itself
  [ "$scenario" != slow_consumer ] || children=16  # as many at once as there is room: each takes a millisecond over a job
  enough=$((3 * every))
  printf '%-14s ' "$scenario"
  notices "$program" "$scenario" --transport shm_deque --children $children --messages $enough --rounds $enough \
    --payload-bytes 0..64 --seed 1 || { failed=1; continue; }
  printf '%9s %6s %7s s ' "$messages" "$lost" "$seconds"
  command=$(sed -n 's/^ *repeat it: //p' "$said" | head -n 1)
  # shellcheck disable=SC2086  # words of a command
  notices ${command:-false} || { failed=1; continue; }
  printf '%7s s   %s\n' "$seconds" "$caught"
done
exit $failed
