#!/bin/sh
# The page of mulproc-bench in headless Chromium: no error, a table for each chart, no word cut off. Screenshots stay in FOLDER.
#   benchmarks_in_a_browser.sh MULPROC_BENCH FOLDER        exit status 77: there is no Chromium
set -eu
program=$1
folder=$2
. "$(dirname "$0")/../page_in_a_browser.sh"

"$program" --quick --filter '^ping_pong' --results "$own/results" >"$own/said" 2>&1 || { cat "$own/said"; exit 1; }
cp "$own/results/benchmarks.html" "$folder/benchmarks.html"

prepare "$folder/benchmarks.html" <<'END'
  const charts = [...document.querySelectorAll("svg")];
  for (const svg of charts) {
    const bars = svg.querySelectorAll("rect").length, outside = svg.getBoundingClientRect();
    if (bars === 0 || svg.closest("div").nextElementSibling?.querySelectorAll("tbody tr").length !== bars) wrong.push("a chart has not the table that says the same");
    for (const text of svg.querySelectorAll("text")) {
      const place = text.getBoundingClientRect();
      if (place.left < outside.left || place.right > outside.right) wrong.push(`"${text.textContent}" is cut off`);
    }
  }
  if (charts.length < 2) wrong.push(`only ${charts.length} charts`);
  drawn = charts.length;
END
in_light_dark_and_on_a_phone benchmarks- 1500
