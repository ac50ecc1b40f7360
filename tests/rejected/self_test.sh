#!/bin/sh
# check.sh complains of what it must complain of.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
complains() {
  if sh "$(dirname "$0")/check.sh" "$1" "$2" "$work" >"$work/said" 2>&1; then echo "check.sh accepts $3"; exit 1; fi
  grep -q "$4" "$work/said" || { echo "check.sh does not say \"$4\" of $3:"; cat "$work/said"; exit 1; }
}
printf '// says: x\nint fine;\n' >"$work/case.cpp"
complains "$1" "$2" "a program that compiles" compiles
printf '// says: elephant\n#ifdef REJECTED\nint x = "mouse";\n#endif\n' >"$work/case.cpp"
complains "$1" "$2" "one refused in other words" "without the words"
printf '// says: x\nint x = "mouse";\n' >"$work/case.cpp"
complains "$1" "$2" "a twin that does not compile" "twin does not compile"
printf 'int fine;\n' >"$work/case.cpp"
complains "$1" "$2" "one without words" "first line"
