#!/bin/sh
# Proves the models beside it with Spin, and that each of their mutants is refuted; prints a table.
#   check.sh MODEL [FORM]     MODEL: shm_deque or shm_lanes
#                             FORM:  quick (default)  seconds; fewer deaths or letters at a time
#                                    full             two deaths anywhere among all; minutes, up to 8 GB
#                                    OPTIONS...       one run of one's own, such as -DDEATHS=1 -DWATCH; shows the trail of what fails
# Ends with 1 when a property fails or a mutant does not.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=${1:-}
[ -f "$here/$model.pml" ] || { echo "check.sh: no such model \"$model\"; there are: shm_deque shm_lanes" >&2; exit 2; }
shift
form=${1:-quick}
for tool in spin gcc; do
  command -v $tool >/dev/null || { echo "check.sh needs $tool: apt-get install $tool (make setup does)" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
memory_mb=${MODEL_MEMORY_MB:-8000}
[ "$form" = quick ] && storage= || storage=-DCOLLAPSE # each exact; what is quick has room enough
[ "$form" = quick ] && optimise=-O0 || optimise=-O2 # where most is compiled longer than it runs: not at all

# verify OPTIONS...: builds and runs one variant; leaves its words in $work/out
verify() {
  (cd "$work" && rm -f pan* out ./*.trail && spin "$@" -a "$here/$model.pml" >spin.out 2>&1 &&
    gcc "$optimise" -w -DSAFETY $storage -DMEMLIM="$memory_mb" -o pan pan.c && ./pan -E -n -m100000 >out 2>&1) ||
    { cat "$work/spin.out" "$work/out" 2>/dev/null; echo "check.sh: $model $*: could not be run" >&2; exit 2; }
}
said() { sed -nE "s/$1/\\1/p" "$work/out" | tail -n 1; }
violated() { sed -nE 's/^pan:[0-9]+: *(assertion violated )?(.*) \(at depth.*/\2/p' "$work/out" | head -n 1; }
# A search that stops early proves nothing: not when it runs out of depth or memory either.
complete() { ! grep -qE 'max search depth too small|Search not completed|out of memory|reached.*MEMLIM' "$work/out"; }
row() { printf '%-10s %-44s %10s %11s %6s %7s %7s  %s\n' "$@"; }
figures() {  # NAME VERDICT
  row "$model" "$1" "$(said '^ *([0-9.e+]+) states, stored.*')" "$(said '^ *([0-9.e+]+) transitions.*')" "$(said '.*depth reached ([0-9]+),.*')" \
    "$(said '^ *([0-9.]+)	total actual memory.*')" "$(said '.*elapsed time ([0-9.]+) seconds.*')" "$2"
}

# holds NAME OPTIONS...: every state is searched, and nothing fails
holds() {
  name=$1
  shift
  verify "$@"
  wrong=$(violated)
  if [ -n "$wrong" ]; then
    failed=1 verdict="FAILS: $wrong"
  elif ! complete || ! grep -q 'errors: 0' "$work/out"; then
    failed=1 verdict="FAILS: not searched to the end"
  else
    verdict=holds
  fi
  figures "$name" "$verdict"
}
# refuted MUTANT REASON ASSERTION OPTIONS...: this assertion, which stands for the reason, fails
refuted() {
  mutant=$1 reason=$2 assertion=$3
  shift 3
  optimised=$optimise optimise=-O0
  verify "-D$mutant" "$@"
  optimise=$optimised
  wrong=$(violated)
  if [ -z "$wrong" ]; then
    failed=1 verdict="FAIL: this mutant was not refuted"
  elif ! echo "$wrong" | tr -d '() ' | grep -qF -- "$(echo "$assertion" | tr -d '() ')"; then
    failed=1 verdict="FAIL: refuted, but not because $reason; instead: $wrong"
  else
    verdict="refuted: $reason"
  fi
  figures "  $mutant" "$verdict"
}

case $form in
  quick | full) ;;
  *)
    verify "$@"
    cat "$work/out"
    [ -z "$(violated)" ] || (cd "$work" && spin "$@" -p -k "$model.pml.trail" "$here/$model.pml")
    [ -z "$(violated)" ] || exit 1
    exit 0 ;;
esac
row model property states transitions depth MB seconds verdict
. "$here/$model.sh"
exit $failed
