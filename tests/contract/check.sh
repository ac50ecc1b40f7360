#!/bin/sh
# Every cell and every sentence of the contract names a test; each test named lies in the source named, and is run.
#   check.sh TOP PAGE BUILD
#
# A note of the page:  [^key]: [test as CTest calls it](source) case, case; [another test](source)
# conformance.* is the run over each transport; from a cell, the one over its column. A transport that is not in
# policies/mulproc/transport yet is passed over. Sentences stand between the first "## " and "## Not there yet".
set -eu
top=$1 page=$2 build=$3
here=$(dirname "$page")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the page says, a line each:  cell COLUMN KEY | sentence - KEY | note KEY TEST SOURCE CASE | wrong TEXT
awk '
  function trimmed(s) { gsub(/^ +| +$/, "", s); return s }
  function references(kind, column, text,   n) {
    n = 0
    while (match(text, /\[\^[a-z_]+\]/)) {
      print kind "\t" column "\t" substr(text, RSTART + 2, RLENGTH - 3)
      text = substr(text, RSTART + RLENGTH)
      ++n
    }
    return n
  }
  function end_of_paragraph(   sentence) {
    sub(/^\*\*[^*]*\*\* */, "", paragraph)
    while (paragraph ~ /[^ ]/) {
      if (!match(paragraph, /[.!?]( *\[\^[a-z_]+\])*( +|$)/)) { RSTART = 1; RLENGTH = length(paragraph) }
      sentence = substr(paragraph, 1, RSTART + RLENGTH - 1)
      paragraph = substr(paragraph, RSTART + RLENGTH)
      if (references("sentence", "-", sentence) == 0) print "wrong\tno test for the sentence: " trimmed(sentence)
      ++sentences
    }
    paragraph = ""
  }
  /^\[\^/ {
    key = $0; sub(/^\[\^/, "", key); sub(/\].*/, "", key)
    text = $0; sub(/^[^:]*: */, "", text)
    count = split(text, items, /; */)
    for (i = 1; i <= count; ++i) {
      if (!match(items[i], /^\[[^]]+\]\([^)]+\)/)) { print "wrong\tthe note " key " names no [test](source): " items[i]; continue }
      link = substr(items[i], 2, RLENGTH - 2)
      separator = index(link, "](")
      cases = trimmed(substr(items[i], RLENGTH + 1))
      if (cases == "") cases = "-"
      many = split(cases, one, /, */)
      for (c = 1; c <= many; ++c) print "note\t" key "\t" substr(link, 1, separator - 1) "\t" substr(link, separator + 2) "\t" one[c]
    }
    next
  }
  /^\|/ {
    width = split($0, cell, "|")
    if (++row == 1) { for (i = 3; i < width; ++i) { column[i] = trimmed(cell[i]); gsub(/`/, "", column[i]) } }
    if (row > 2) for (i = 3; i < width; ++i) {
      text = trimmed(cell[i])
      if (text == "–" || text == "not there" || text == "not proved yet") continue
      ++cells
      if (references("cell", column[i], text) == 0) print "wrong\tno test for the cell \"" trimmed(cell[2]) "\" of " column[i]
    }
    next
  }
  /^## / { end_of_paragraph(); proved = $0 !~ /^## (Not there yet|The tests)$/; next }
  !proved { next }
  /^ *$/ { end_of_paragraph(); next }
  { line = $0; gsub(/`[^`]*`/, "x", line) }
  line ~ /^\* / { end_of_paragraph(); sub(/^\* /, "", line) }
  { paragraph = paragraph (paragraph == "" ? "" : " ") trimmed(line) }
  END {
    end_of_paragraph()
    if (cells == 0) print "wrong\tthe page has no table"
    if (sentences == 0) print "wrong\tthe page has no sentence"
  }
' "$page" >"$work/page"

# What is run:  test NAME PROGRAM
ctest --test-dir "$build" -N -V 2>"$work/ctest" | awk '
  /^[0-9]+: Test command: / { number = $1; program = $0; sub(/^[^/"]*/, "", program); gsub(/"/, "", program); sub(/ .*/, "", program); programs[number + 0] = program }
  /^ *Test +#[0-9]+: / { number = $0; sub(/^[^#]*#/, "", number); name = $0; sub(/^[^:]*: */, "", name); sub(/ .*/, "", name); print "test\t" name "\t" programs[number + 0] }
' >"$work/tests"

# The cases in each test's program and in each source:  runs NAME CASE | holds SOURCE CASE | there SOURCE | about SOURCE COLUMN
awk -F '\t' '
  FNR == NR { if ($1 == "note" && $5 != "-") wanted[$3]; next }
  { for (test in wanted) if ($2 == test || (test ~ /\*$/ && index($2, substr(test, 1, length(test) - 1)) == 1)) { print $2 "\t" $3; next } }
' "$work/page" "$work/tests" | while IFS="$(printf '\t')" read -r name program; do
  if [ ! -x "$program" ]; then printf 'wrong\tthe test %s is not built\n' "$name"; continue; fi
  "$program" --list_content 2>&1 </dev/null | sed -n 's/<.*>//; s/^ *\([a-z0-9_]*\)\*\{0,1\}$/runs\t'"$name"'\t\1/p'
done >"$work/facts"
columns=$(awk -F '\t' '$1 == "cell" { print $2 }' "$work/page" | sort -u)
awk -F '\t' '$1 == "note" { print $4 }' "$work/page" | sort -u | while read -r source; do
  [ -f "$here/$source" ] || continue
  printf 'there\t%s\n' "$source"
  sed -n 's/^ *BOOST_AUTO_TEST_CASE\(_TEMPLATE\)\{0,1\}(\([a-z0-9_]*\).*/holds\t'"$(printf %s "$source" | sed 's/[/.]/\\&/g')"'\t\2/p' "$here/$source"
  for column in $columns; do if grep -qw "$column" "$here/$source"; then printf 'about\t%s\t%s\n' "$source" "$column"; fi; done
done >>"$work/facts"
for column in $columns; do if [ -f "$top/policies/mulproc/transport/$column.hpp" ]; then printf 'transport\t%s\n' "$column"; fi; done >>"$work/facts"

cat "$work/facts" "$work/tests" "$work/page" | awk -F '\t' '
  function complain(text) { if (!(text in said)) { said[text]; print text; ++faults } }
  $1 == "wrong" { complain($2) }
  $1 == "runs" { runs[$2, $3] }
  $1 == "holds" { holds[$2, $3] }
  $1 == "there" { there[$2] }
  $1 == "about" { about[$2, $3] }
  $1 == "transport" { transport[$2] }
  $1 == "test" { tests[$2] }
  $1 == "note" { note[$2] = note[$2] "\n" $3 "\t" $4 "\t" $5; if (!($4 in there)) complain("the note " $2 " names a source that is not there: " $4); else if ($5 != "-" && !(($4, $5) in holds)) complain("the note " $2 " names a case that is not in " $4 ": " $5) }
  $1 == "cell" || $1 == "sentence" { ++uses; use[uses] = $2 "\t" $3 }
  END {
    for (u = 1; u <= uses; ++u) {
      split(use[u], of, "\t"); column = of[1]; key = of[2]; used[key]
      if (!(key in note)) { complain("there is no note " key); continue }
      if (column != "-" && !(column in transport)) { ++waiting[column]; continue }
      count = split(note[key], items, "\n")
      for (i = 2; i <= count; ++i) {
        split(items[i], item, "\t"); test = item[1]; which = item[3]
        if (test !~ /\*$/) {
          if (!(test in tests)) complain("the note " key " names a test that CTest does not run: " test)
          else if (which != "-" && !((test, which) in runs)) complain(test " does not run the case " which " of the note " key)
          if (column != "-" && !((item[2], column) in about)) complain(item[2] " of the note " key " proves nothing about " column)
        } else if (column != "-") {
          test = substr(test, 1, length(test) - 1) column
          if (!(test in tests)) complain("the note " key " needs a test that CTest does not run: " test)
          else if (which != "-" && !((test, which) in runs)) complain(test " does not run the case " which " of the note " key)
        } else {
          found = 0
          for (name in tests) if (index(name, substr(test, 1, length(test) - 1)) == 1 && (which == "-" || ((name, which) in runs))) found = 1
          if (!found) complain("no test " test " runs the case " which " of the note " key)
        }
      }
    }
    for (key in note) if (!(key in used)) complain("nothing refers to the note " key)
    if (faults) exit 1
    for (column in waiting) print column ": not there yet, " waiting[column] " notes of its cells wait"
    print uses " references of cells and sentences to tests that are there and are run"
  }
'
