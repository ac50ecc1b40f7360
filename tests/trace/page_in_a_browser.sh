#!/bin/sh
# The timeline in headless Chromium: no error, every lane and arrow drawn, its controls work, nothing sticks out.
# Screenshots stay in FOLDER, beside the diagram's.
#   page_in_a_browser.sh MULPROC_STRESS MULPROC_TRACE FOLDER        exit status 77: there is no Chromium
set -eu
stress=$1 trace=$2 folder=$3
. "$(dirname "$0")/../page_in_a_browser.sh"

"$stress" poison --children 4 --messages 40 --seed 1 --trace "$own/trace" >"$own/said" || { cat "$own/said"; exit 1; }
"$trace" "$own/trace" --as html --output "$folder/trace.html"
"$trace" "$own/trace" --as svg --output "$folder/trace.svg"

prepare "$folder/trace.html" <<'END'
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
  drawn = lines.length;
END
in_light_dark_and_on_a_phone trace- 1500
