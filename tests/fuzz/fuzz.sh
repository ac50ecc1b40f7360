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
failed=0
for harness in "$@"; do
  log=$work/$harness.log
  # The time limit is the harness' own, in its own CPU time: the machine may be busy.
  if "$work/$harness" -max_total_time=$((seconds / $#)) -max_len=1024 -rss_limit_mb=${RSS_MB:-512} -malloc_limit_mb=64 -timeout=100 -artifact_prefix="$work/$harness-" \
    -print_final_stats=1 "$work/corpus/$harness" >"$log" 2>&1; then
    awk -v name="$harness" '/number_of_executed_units/{runs = $2} /peak_rss_mb/{rss = $2} END{printf "%-10s %d runs, 0 crashes, peak %s MB\n", name, runs, rss}' "$log"
  else
    failed=1
    tail -n 60 "$log"
    found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    [ -z "$found" ] || echo "tests/fuzz/$harness.hex: $(od -An -v -tx1 "$found" | tr -d ' \n')"
  fi
done
exit $failed
