#!/bin/sh
# The harnesses under libFuzzer, ASan and UBSan, each for its share of SECONDS; what was found before is where it begins.
#   fuzz.sh SECONDS [HARNESS ...]
# What it finds anew is printed as a line of hexadecimal: put it into HARNESS.hex, and make test replays it for ever.
set -eu
cd "$(dirname "$0")/../.."
seconds=$1
shift
[ $# -gt 0 ] || set -- decoders frames segments
clang=${CLANG:-clang++-16}
work=${BUILD:-build-fuzz}
for harness in "$@"; do
  corpus=$work/corpus/$harness
  mkdir -p "$corpus"
  sources="tests/fuzz/$harness.cpp tests/fuzz/allocation_count.cpp"
  flags="-std=c++20 -O1 -g -pthread -Iframework -Ipolicies -Itests -I. -fsanitize=address,undefined -fno-sanitize-recover=all"
  libraries="-lboost_serialization -lboost_json -lrt"
  # shellcheck disable=SC2086  # lists of words
  $clang $flags -fsanitize=fuzzer $sources -o "$work/$harness" $libraries
  # shellcheck disable=SC2086
  $clang $flags tests/fuzz/replay.cpp $sources -o "$work/replay-$harness" $libraries
  "$work/replay-$harness" --write-to "$corpus" "tests/fuzz/$harness.hex"
done
# Three times the runs in a fifth of the memory: no copy of the stack for each exception, little kept of what was freed, no guess
# which input is worth more. What was found on the way is run again with all of ASan's checks.
quick=detect_stack_use_after_return=0:quarantine_size_mb=8:malloc_context_size=0
failed=0
fuzz() {
  ASAN_OPTIONS=$quick "$work/$harness" -max_total_time=$((seconds / harnesses)) -entropic=0 -max_len=1024 -rss_limit_mb="${RSS_MB:-512}" -malloc_limit_mb=64 \
    -timeout=1200 -artifact_prefix="$work/$harness-" -print_final_stats=1 "$work/corpus/$harness" >"$log" 2>&1 &&
    "$work/$harness" -runs=0 -artifact_prefix="$work/$harness-" "$work/corpus/$harness" >"$log.again" 2>&1 || { cat "$log.again" >>"$log"; return 1; }
}
harnesses=$#
for harness in "$@"; do
  log=$work/$harness.log
  : >"$log.again"
  if fuzz; then # the time limit is the harness' own, in its own CPU time: the machine may be busy
    awk -v name="$harness" '/number_of_executed_units/{runs = $2} /peak_rss_mb/{rss = $2} END{printf "%-10s %d runs, 0 crashes, peak %s MB\n", name, runs, rss}' "$log"
  else
    failed=1
    tail -n 60 "$log"
    found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    [ -z "$found" ] || echo "tests/fuzz/$harness.hex: $(od -An -v -tx1 "$found" | tr -d ' \n')"
  fi
done
exit $failed
