#!/bin/sh
# What a message and a header cost, where time is noise.
#   costs.sh check PROGRAMS COMPILER RESULTS   counts instructions, allocations and system calls; fails when one has grown
#   costs.sh write PROGRAMS COMPILER RESULTS   counts them and what the headers cost, and writes the figures down
# PROGRAMS: the folder of mulproc-instructions and mulproc-counts. COMPILER: its name, version and path, such as
# GNU-12.2.0:/usr/bin/c++. RESULTS: the folder of the committed figures, one file for each compiler.
set -eu
[ $# = 4 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
verb=$1 programs=$(cd "$2" && pwd) compiler=${3%%:*} compile=${3#*:} file=$4/costs-${3%%:*}.txt
top=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

instructions() {  # a line for each loop: its name, and the instructions of one turn without the bracket around it
  (cd "$work" && valgrind --tool=callgrind --collect-atstart=no --callgrind-out-file=out "$programs/mulproc-instructions" >messages 2>valgrind.log) ||
    { cat "$work/valgrind.log" >&2; exit 1; }
  for dump in "$work"/out.*; do
    echo "$(sed -n 's/^desc: Trigger: Client Request: //p' "$dump") $(sed -n 's/^totals: //p' "$dump")"
  done | awk -v messages="$(cat "$work/messages")" '
    $1 == "bracket" {bracket = $2}
    {total[$1] = $2}
    END {for (name in total) if (name ~ /^instructions/) printf "%s %.0f\n", name, (total[name] - bracket) / messages}' | sort
}
command -v valgrind >/dev/null || { echo "the instructions are not counted: valgrind is not there; cmake/setup-debian.sh installs it"; exit 77; }
instructions >"$work/figures"
"$programs/mulproc-counts" >>"$work/figures"

if [ "$verb" = check ]; then
  if [ ! -f "$file" ]; then
    echo "not compared: there are no figures of $compiler in $4; make costs writes them"
    grep -E '^(instructions|allocations|system_calls)' "$work/figures"
    exit 0
  fi
  awk -v file="$file" '
    $1 !~ /^(instructions|allocations|system_calls)\./ {next}
    FNR == NR {committed[$1] = $2; next}
    !($1 in committed) {print "not compared, as it is new: " $1 " " $2; next}
    # A call now and then is not one for each message: on a slow machine somebody looks for deaths meanwhile.
    {most = $1 ~ /^instructions/ ? committed[$1] * 1.05 : committed[$1] + 0.05; compared++}
    $2 > most {print $1 " has grown from " committed[$1] " to " $2; grown = 1}
    END {
      if (!compared) {print "nothing was compared with " file; exit 1}
      if (grown) {print "make it cheaper, or run make costs and say in the commit why it must be"; exit 1}
      print compared " counts: no instruction count is more than 5 % above " file ", no allocation or system call for each message has come"
    }' "$file" "$work/figures"
  exit
fi

for header in "$top"/framework/mulproc/*.hpp "$top"/policies/mulproc/*.hpp "$top"/policies/mulproc/*/*.hpp; do
  include=mulproc/${header#*/mulproc/}
  printf '#include <%s>\n' "$include" >"$work/one.cpp"
  flags="-std=c++20 -O2 -I$top/framework -I$top/policies"
  lines=$("$compile" $flags -E -P "$work/one.cpp" | grep -c '[^[:space:]]')
  seconds=$( ("$compile" $flags -c "$work/one.cpp" -o "$work/one.o"; times) | awk -F'[ms ]+' 'END {printf "%.2f", 60 * $1 + $2 + 60 * $3 + $4}')
  echo "lines.$include $lines" >>"$work/headers"
  echo "processor_seconds.$include $seconds" >>"$work/headers"
done
sort "$work/headers" >>"$work/figures"
mkdir -p "$4"
{
  echo "# make costs; one message of 64 bytes, trivially_copyable, both endpoints in one thread. channel: through Channel; by_hand: the transport's endpoint itself."
  echo "# $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r), $compiler -O2, $(valgrind --version), $(date -u +'%Y-%m-%d %H:%M UTC')"
  cat "$work/figures"
} >"$file"
echo "written: $file"
