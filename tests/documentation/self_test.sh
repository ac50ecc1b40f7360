#!/bin/sh
# check.sh notices a block that does not compile, one that fails, and a page without any.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for page in '```cpp\nint x = "text";\n```\n' '```cpp\nint main() { return 1; }\n```\n' 'no code\n'; do
  printf "$page" >"$work/page.md"
  if sh "$(dirname "$0")/check.sh" "$1" "$2" "$work/page.md" >/dev/null 2>&1; then echo "check.sh accepts: $page"; exit 1; fi
done
printf '```cpp\nint main() {}\n```\n' >"$work/page.md"
sh "$(dirname "$0")/check.sh" "$1" "$2" "$work/page.md"
