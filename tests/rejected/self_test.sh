#!/bin/sh
# check.sh complains of what it must complain of.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check="sh $(dirname "$0")/check.sh"
complains() {  # COMPILER TOP WHAT WORDS
  if $check "$1" "$2" "$work" >"$work/said" 2>&1; then echo "check.sh accepts $3"; exit 1; fi
  grep -q "$4" "$work/said" || { echo "check.sh does not say \"$4\" of $3:"; cat "$work/said"; exit 1; }
}
refusal='#include <type_traits>\ntemplate <class T>\nconcept Big = sizeof(T) > 8;  // take a big one\ntemplate <Big T>\nvoid f(T) {}\n'
printf "// says: take a bigger one\n$refusal" >"$work/case.cpp"
complains "$1" "$2" "a program that compiles" ": compiles"
printf "// says: take a bigger one\n$refusal#ifdef REJECTED\nvoid g() { f('c'); }\n#endif\n" >"$work/case.cpp"
complains "$1" "$2" "one refused in other words" "without the words"
printf '// says: no such thing\nint x = "mouse";\n' >"$work/case.cpp"
complains "$1" "$2" "a twin that does not compile" "twin does not compile"
printf 'int fine;\n' >"$work/case.cpp"
complains "$1" "$2" "one without words" "first line"
printf "// says: case\n#ifdef REJECTED\nint x = \"mouse\";\n#endif\n" >"$work/case.cpp"
complains "$1" "$2" "words that a file's name may hold" "three WORDS"
printf '// says: take a big one\n#ifdef REJECTED\nint x = "take a big one";\n#endif\n' >"$work/case.cpp"
complains "$1" "$2" "one that brings the words itself" "says the remedy itself"

# One sound program is accepted, and so is the refusal in the words of another file.
printf '#pragma once\ntemplate <class T>\nconcept Big = sizeof(T) > 8;  // take a big one\ntemplate <Big T>\nvoid f(T) {}\n' >"$work/big.hpp"
printf "// says: take a big one\n#include \"$work/big.hpp\"\n#ifdef REJECTED\nvoid g() { f('c'); }\n#endif\n" >"$work/case.cpp"
$check "$1" "$2" "$work"
if $check no-such-compiler "$2" "$work" >/dev/null; then echo "a compiler that is not here is no success"; exit 1; else [ $? = 77 ]; fi
