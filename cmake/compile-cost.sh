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

milliseconds() {
  begin=$(date +%s%N)
  "$compiler" $flags -c "$work/$1.cpp" -o "$work/$1.o"
  echo $((($(date +%s%N) - begin) / 1000000))
}
echo "message_queue.hpp, binary_iarchive.hpp and binary_oarchive.hpp of Boost: $(lines boost) lines"
echo "compiling each $rounds times, turn by turn, with $compiler -O2 (ms):"
milliseconds mulproc >/dev/null && milliseconds boost >/dev/null  # once for the page cache
for round in $(seq $rounds); do
  mine=$(milliseconds mulproc)
  theirs=$(milliseconds boost)
  echo "  $mine against $theirs"
  echo "$mine $theirs" >>"$work/times"
done
awk '{print $1 / $2}' "$work/times" | sort -n | awk '
  {ratio[NR] = $1}
  END {printf "ratio: median %.2f, from %.2f to %.2f (wanted: below 0.6)\n", ratio[int((NR + 1) / 2)], ratio[1], ratio[NR]}'
