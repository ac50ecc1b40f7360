#!/bin/sh
# Fails when a file has more lines of code than it promises; blank lines and comments do not count.
#   count_lines.sh FILE MOST
lines=$(grep -vcE '^[[:space:]]*(//.*)?$' "$1") || { echo "$1: no such file, or no code in it" >&2; exit 1; }
echo "$1: $lines lines of code (promised: at most $2)"
[ "$lines" -le "$2" ] || { echo "too many: leave to the framework what every transport would have to repeat" >&2; exit 1; }
