#!/bin/sh
# check.sh notices a block that does not compile, one that fails, a page that is not there, and pages without any.
set -eu
compiler=$1 top=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check="sh $(dirname "$0")/check.sh"
complains() {  # WORDS PAGE
  printf "$2" >"$work/page.md"
  if $check "$compiler" "$top" "$work/page.md" >"$work/said" 2>&1; then echo "check.sh accepts: $2"; exit 1; fi
  grep -q "$1" "$work/said" || { echo "check.sh does not say \"$1\" of: $2"; cat "$work/said"; exit 1; }
}
good='```cpp\nint main() {}\n```\n'
complains "does not compile" '```cpp\nint x = "text";\n```\n'
complains "does not compile" "$good"'text\n```cpp\nint main() { return nothing; }\n```\n'
complains "ends with 3" "$good"'```cpp\nint main() { return 3; }\n```\n'
complains "ends with 4" '```cpp\nif (mulproc::anyone.pid == 0) return 4;\n```\n'
complains "no C++ block" '```sh\nmake test\n```\n'
complains "has no end" "$good"'```cpp\nint main() {}\n'
if $check "$compiler" "$top" "$work/none.md" >/dev/null; then echo "check.sh accepts a page that is not there"; exit 1; fi

# What a page may hold: a program, the inside of a function with an #include of its own, what only stands outside of one.
printf "$good"'\n  ```cpp\n  #include <map>\n  std::map<int, int> ages;\n  if (!ages.empty()) return 1;\n  ```\n```cpp\ntemplate <class T>\nstruct box { T held; };\n```\n```sh\nnot C++\n```\n' >"$work/page.md"
printf 'no code\n' >"$work/other.md"
$check "$compiler" "$top" "$work/page.md" "$work/other.md" | grep -q '^3 blocks compile and run$'
echo "check.sh says what is wrong with a page"
