#!/bin/sh
# The report's page in headless Chromium: no error, every chart drawn, nothing sticks out. Screenshots stay in FOLDER.
#   page_in_a_browser.sh PROGRAM FOLDER        exit status 77: there is no Chromium
set -eu
program=$1
folder=$2
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] || { echo "skipped: no Chromium here; make report-test installs it"; exit 77; }
mkdir -p "$folder"
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT

"$program" full_duplex fan_in churn poison --transport all --serializer trivially_copyable --children 4 --messages 400 --chaos stop=20ms --seed 1 --report "$folder/report.html" >"$own/said" ||
  { cat "$own/said"; exit 1; }

# The page as it is, and a script that looks at what it drew: an element with what is wrong, or "all drawn: N".
sed '/^<\/body>$/d; /^<\/html>$/d' "$folder/report.html" >"$own/page.html"
cat >>"$own/page.html" <<'END'
<script>
addEventListener("load", () => {
  const wrong = [...seen];
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
  for (const plot of document.querySelectorAll("[role=img]")) if (!plot.getAttribute("aria-label")) wrong.push("a chart has no label");
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`it is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
  const said = document.createElement("p");
  said.id = "looked-at";
  said.textContent = wrong.length ? `WRONG: ${wrong.join("; ")}` : `all drawn: ${canvases.length}`;
  document.body.append(said);
});
</script>
</body>
</html>
END
# What fails before that script is there must be heard too.
sed -i 's|<head>|<head><script>var seen = []; addEventListener("error", (e) => seen.push(e.message)); console.error = (...words) => seen.push(words.join(" "));</script>|' "$own/page.html"

browse() { timeout 100 "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --user-data-dir="$own/profile" --virtual-time-budget=10000 --enable-logging=stderr "$@" 2>"$own/log"; }
look() {  # name, size, more options
  name=$1 size=$2
  shift 2
  browse --window-size="$size" "$@" --dump-dom "file://$own/page.html" >"$own/dom" || { cat "$own/log"; echo "$name: the browser failed"; exit 1; }
  said=$(sed -n 's/.*<p id="looked-at">\([^<]*\)<.*/\1/p' "$own/dom")
  case "$said" in
    "all drawn: "*) ;;
    *) echo "$name: ${said:-the page never finished}"; grep CONSOLE "$own/log" || true; exit 1 ;;
  esac
  if grep CONSOLE "$own/log"; then echo "$name: the page complains"; exit 1; fi
  browse --window-size="$size" "$@" --screenshot="$folder/$name.png" "file://$folder/report.html" || { cat "$own/log"; exit 1; }
  [ -s "$folder/$name.png" ] || { echo "$name: no screenshot"; exit 1; }
  echo "$name: $said; $folder/$name.png"
}
look desktop-light 1280,3000
look desktop-dark 1280,3000 --blink-settings=preferredColorScheme=0
look phone-light 500,3000
