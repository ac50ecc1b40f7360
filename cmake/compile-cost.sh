#!/bin/sh
# What <mulproc/channel.hpp> costs a compiler.
#   compile-cost.sh lines [COMPILER] [LIMIT]   the lines left after preprocessing; fails above the limit
#   compile-cost.sh time [COMPILER]            also the time, against the Boost headers that do such work by hand, turn by turn
set -eu
rounds=9
verb=${1:?usage: compile-cost.sh lines|time [COMPILER] [LIMIT]}
compiler=${2:-${CXX:-c++}}
limit=${3:-60000}
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <mulproc/channel.hpp>\n' >"$work/mulproc.cpp"
printf '#include <boost/%s.hpp>\n' interprocess/ipc/message_queue archive/binary_iarchive archive/binary_oarchive >"$work/boost.cpp"
flags="-std=c++20 -O2 -I$top/framework -I$top/policies"

lines() { "$compiler" $flags -E -P "$work/$1.cpp" | grep -c '[^[:space:]]'; }
ours=$(lines mulproc)
echo "<mulproc/channel.hpp>: $ours lines preprocessed (wanted: at most $limit)"
if [ "$verb" = lines ]; then
  [ "$ours" -le "$limit" ] || { echo "that is too many: move what few users need into a header of its own" >&2; exit 1; }
  exit 0
fi

# User and system time, which other work on the machine hardly changes; `times` counts the ended children of this shell.
total=0
compile() {
  "$compiler" $flags -c "$work/$1.cpp" -o "$work/$1.o"
  times >"$work/total"  # not in $(...): a subshell has no children yet
  before=$total
  total=$(awk -F'[ms ]+' 'NR == 2 {print $1 * 60 + $2 + $3 * 60 + $4}' "$work/total")
  seconds=$(awk "BEGIN {print $total - $before}")
}
echo "message_queue.hpp, binary_iarchive.hpp and binary_oarchive.hpp of Boost: $(lines boost) lines"
echo "compiling each $rounds times, turn by turn, with $compiler -O2 (seconds of user and system time):"
compile mulproc && compile boost  # once for the page cache
for round in $(seq $rounds); do
  compile mulproc && mine=$seconds
  compile boost && theirs=$seconds
  printf "  %.2f against %.2f\n" "$mine" "$theirs"
  echo "$mine $theirs $(awk "BEGIN {print $mine / $theirs}")" >>"$work/times"
done
column() { awk -v c="$1" '{print $c}' "$work/times" | sort -n | awk '{v[NR] = $1} END {printf "median %.2f, from %.2f to %.2f", v[int((NR + 1) / 2)], v[1], v[NR]}'; }
echo "<mulproc/channel.hpp>: $(column 1) s"
echo "Boost's:               $(column 2) s"
echo "ratio:                 $(column 3) (wanted: below 0.6)"
