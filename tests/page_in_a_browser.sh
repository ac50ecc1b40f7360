# For scripts that open a page in headless Chromium: they set `folder`, where screenshots stay, and source this file. `own` is
# theirs until they end. Exit status 77 of them: there is no Chromium.
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] || { echo "skipped: no Chromium here; make report-test installs it"; exit 77; }
mkdir -p "$folder"
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT

# prepare PAGE <SCRIPT: the page as it is, and a script that looks at it when all is drawn. It pushes what is wrong to `wrong`,
# where what the page complained of is already, and puts into `drawn` how much there is.
prepare() {
  page=$(realpath "$1")
  sed '/^<\/body>$/d; /^<\/html>$/d' "$page" >"$own/page.html"
  cat >>"$own/page.html" <<'BEGIN'
<script>
addEventListener("load", () => {
  const wrong = [...seen];
  let drawn = 0;
BEGIN
  cat >>"$own/page.html"
  cat >>"$own/page.html" <<'REST'
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`it is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
  if (document.documentElement.lang !== "en" || document.querySelectorAll("main").length !== 1 || document.querySelectorAll("h1").length !== 1) wrong.push("no language, main or title");
  for (const picture of document.querySelectorAll("[role=img]")) if (!picture.getAttribute("aria-label")) wrong.push("a picture has no words");
  for (const control of document.querySelectorAll("button, input")) if (!control.getAttribute("aria-label") && !control.textContent.trim()) wrong.push("a control has no name");
  for (const one of document.querySelectorAll("[tabindex]")) if (one.tabIndex > 0) wrong.push("the order of the page is not that of the tab key");
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id is there twice");
  const said = document.createElement("p");
  said.id = "looked-at";
  said.textContent = wrong.length ? `WRONG: ${wrong.join("; ")}` : `all drawn: ${drawn}`;
  document.body.append(said);
});
</script>
</body>
</html>
REST
  # What fails before that script is there must be heard too.
  sed -i 's|<head>|<head><script>var seen = []; addEventListener("error", (e) => seen.push(e.message)); console.error = (...words) => seen.push(words.join(" "));</script>|' "$own/page.html"
}

browse() {
  timeout 100 "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --hide-scrollbars \
    --allow-file-access-from-files --user-data-dir="$own/profile" --virtual-time-budget=10000 --enable-logging=stderr "$@" 2>"$own/log"
}
# look NAME WIDTH HEIGHT [more options]. A window is never narrower than 500: the page stands in a frame.
look() {
  name=$1 width=$2 height=$3
  shift 3
  frame() {
    echo "<!doctype html><body style='margin:0'><iframe src='file://$1' style='border:0;width:${width}px;height:${height}px'></iframe>"
    echo "<script>addEventListener('load', () => setTimeout(() => document.body.append(frames[0].document.getElementById('looked-at') ?? ''), 100))</script>"
  }
  frame "$own/page.html" >"$own/frame.html"
  browse --window-size=$((width < 500 ? 500 : width)),"$height" "$@" --dump-dom "file://$own/frame.html" >"$own/dom" || { cat "$own/log"; echo "$name: the browser failed"; exit 1; }
  said=$(sed -n 's/.*<p id="looked-at">\([^<]*\)<.*/\1/p' "$own/dom")
  case "$said" in
    "all drawn: "*) ;;
    *) echo "$name: ${said:-the page never finished}"; grep CONSOLE "$own/log" || true; exit 1 ;;
  esac
  if grep CONSOLE "$own/log"; then echo "$name: the page complains"; exit 1; fi
  frame "$page" >"$own/frame.html"
  browse --window-size=$((width < 500 ? 500 : width)),"$height" "$@" --screenshot="$folder/$name.png" "file://$own/frame.html" || { cat "$own/log"; exit 1; }
  [ -s "$folder/$name.png" ] || { echo "$name: no screenshot"; exit 1; }
  echo "$name: $said; $folder/$name.png"
}
in_light_dark_and_on_a_phone() {  # prefix, height
  look "$1desktop-light" 1280 "$2"
  look "$1desktop-dark" 1280 "$2" --blink-settings=preferredColorScheme=0
  look "$1phone-light" 390 "$2"
}
