#!/bin/sh
# The timeline in headless Chromium: no error, every lane and arrow drawn, its controls work, nothing sticks out.
# Screenshots stay in FOLDER, beside the diagram's.
#   page_in_a_browser.sh MULPROC_STRESS MULPROC_TRACE FOLDER        exit status 77: there is no Chromium
set -eu
stress=$1 trace=$2 folder=$3
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] || { echo "skipped: no Chromium here; make report-test installs it"; exit 77; }
mkdir -p "$folder"
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT

"$stress" poison --children 4 --messages 40 --seed 1 --trace "$own/trace" >"$own/said" || { cat "$own/said"; exit 1; }
"$trace" "$own/trace" --as html --output "$folder/trace.html"
"$trace" "$own/trace" --as svg --output "$folder/trace.svg"

sed '/^<\/body>$/d; /^<\/html>$/d' "$folder/trace.html" >"$own/page.html"
cat >>"$own/page.html" <<'END'
<script>
addEventListener("load", () => {
  const wrong = [...seen];
  const expected = messages.filter((one) => taken(one).length).length;
  if (messages.length < 80 || expected < 80) wrong.push(`only ${expected} of ${messages.length} messages are taken`);
  if (lines.length < messages.length) wrong.push(`${lines.length} arrows for ${messages.length} messages`);
  const coloured = () => {
    const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    let count = 0;
    for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 100 && Math.max(pixels[i], pixels[i + 1], pixels[i + 2]) - Math.min(pixels[i], pixels[i + 1], pixels[i + 2]) > 60) ++count;
    return count;
  };
  if (coloured() < 500) wrong.push("nothing is drawn");
  if (document.querySelectorAll("#rows tr").length !== Math.min(50, messages.length)) wrong.push("the list is not whole");
  if (document.querySelectorAll("#states li").length !== actors.length) wrong.push("not everybody is in the moment");
  if (![...document.querySelectorAll("#rows tr")].length || !canvas.getAttribute("aria-label")) wrong.push("the picture has no words");
  at("next").click();
  if (chosen !== 0 || cursor !== messages[0].sent) wrong.push("next chooses no message");
  if (!at("moment").textContent.includes(nameOf(messages[0]))) wrong.push("what is chosen is not told");
  at("scrubber").value = 1000;
  at("scrubber").dispatchEvent(new Event("input"));
  if (cursor !== length) wrong.push("the scrubber moves nothing");
  if (!at("states").textContent.includes("is dead")) wrong.push("nobody is dead in the end");
  draw();
  const [, x1, y1, x2, y2] = lines[lines.length - 1];
  tip(nearest((x1 + x2) / 2, (y1 + y2) / 2), (x1 + x2) / 2, (y1 + y2) / 2);
  if (at("tip").hidden || !/sent at/.test(at("tip").textContent)) wrong.push("pointing at an arrow says nothing");
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`it is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
  const said = document.createElement("p");
  said.id = "looked-at";
  said.textContent = wrong.length ? `WRONG: ${wrong.join("; ")}` : `all drawn: ${lines.length}`;
  document.body.append(said);
});
</script>
</body>
</html>
END
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
  browse --window-size="$size" "$@" --screenshot="$folder/$name.png" "file://$folder/trace.html" || { cat "$own/log"; exit 1; }
  [ -s "$folder/$name.png" ] || { echo "$name: no screenshot"; exit 1; }
  echo "$name: $said; $folder/$name.png"
}
look trace-desktop-light 1280,1500
look trace-desktop-dark 1280,1500 --blink-settings=preferredColorScheme=0
look trace-phone-light 500,1500
