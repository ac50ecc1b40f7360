#!/bin/sh
# The report's page in headless Chromium: no error, every chart drawn, nothing sticks out. Screenshots stay in FOLDER.
#   page_in_a_browser.sh PROGRAM FOLDER        exit status 77: there is no Chromium
set -eu
program=$1
folder=$2
. "$(dirname "$0")/../page_in_a_browser.sh"

"$program" full_duplex fan_in churn poison --transport all --serializer trivially_copyable --children 4 --messages 400 --chaos stop=20ms --seed 1 --report "$folder/report.html" >"$own/said" ||
  { cat "$own/said"; exit 1; }

prepare "$folder/report.html" <<'END'
  const expected = 4 * new Set(report.runs.map((run) => run.scenario)).size;
  const canvases = [...document.querySelectorAll("figure canvas")];
  if (canvases.length !== expected) wrong.push(`${canvases.length} charts, not ${expected}`);
  for (const canvas of canvases) {
    const title = canvas.closest("figure").querySelector("h3").textContent, in_section = canvas.closest("section").id;
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 200) colours.add((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2]);
    // Axes and letters are grey: a line has a colour of its own.
    if (![...colours].some((c) => Math.max(c >> 16, (c >> 8) & 255, c & 255) - Math.min(c >> 16, (c >> 8) & 255, c & 255) > 80)) wrong.push(`${in_section}: nothing is drawn in ${title}`);
  }
  for (const figure of document.querySelectorAll("figure")) if (!figure.querySelector("table tbody tr")) wrong.push("a chart has no table");
  drawn = canvases.length;
END
in_light_dark_and_on_a_phone "" 3000
