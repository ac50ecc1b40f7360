"use strict";
// Draws the timeline from the JSON in the page. Everything in the picture is in the lists below it as well.
const trace = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const time = (ns) => {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) if (Math.abs(ns) >= size * 0.9995) return `${Number((ns / size).toPrecision(4))} ${unit}`;
  return `${Math.round(ns)} ns`;
};
const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
const { actors, messages } = trace, length = Math.max(1, trace.length);
const nameOf = (message) => `${message.request || "(no request)"} ${message.sequence}`;
const indexOf = new Map(actors.map((actor, i) => [actor.pid, i]));
const meantFor = (message) => (message.to === 0 ? "anyone" : actors[indexOf.get(message.to)]?.name ?? `process ${message.to}`);
const taken = (message) => message.receipts.filter((one) => one.how !== "refused");
const fate = (message) => {
  if (message.notSent) return `not sent: ${message.notSent}`;
  const all = taken(message);
  if (!all.length) return "nobody took it";
  const last = all[all.length - 1];
  return `${message.deadLetter ? "a dead letter" : last.how}${last.attempt > 1 ? `, attempt ${last.attempt}` : ""}`;
};

// ---- words around the picture
document.title = `${trace.title || "Trace"} – mulproc-trace`;
at("title").textContent = trace.title || "Trace";
const deaths = actors.filter((actor) => actor.how === "died").length;
at("summary").textContent = `${count(actors.length, "process").replace("processs", "processes")}, ${count(messages.length, "message")}, ${time(trace.length)}${deaths ? `, ${count(deaths, "death")}` : ""}.${trace.lost ? ` ${count(trace.lost, "event")} found no room in the trace.` : ""}`;

// ---- colours: a request keeps its own
const dark = matchMedia("(prefers-color-scheme: dark)");
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const hues = () => (dark.matches ? ["#8ab0ff", "#ffb454", "#5fd0a5", "#f48fb1", "#c9a6ff", "#c4d17a", "#6fd0e8", "#e0a684"] : ["#2456c7", "#b85c00", "#0b7a55", "#b02a63", "#6b3fb5", "#5d6b10", "#00708a", "#8a4b2a"]);
const requests = [...new Set(messages.map((message) => message.request))];
const hueOf = (message) => hues()[requests.indexOf(message.request) % 8];
function legend() {
  at("legend").replaceChildren(...requests.slice(0, 12).map((request, i) => element("span", {}, element("i", { class: "dot", style: `background:${hues()[i % 8]}` }), request || "(no request)")), "A grey bar waits; a filled one holds a message.");
}

// ---- the picture
const canvas = at("picture"), pen = canvas.getContext("2d");
const margin = { left: 104, right: 16 }, axisHeight = 26, depthHeight = 44, laneHeight = actors.length > 24 ? 26 : 40;
const lanesTop = axisHeight + depthHeight + 14, height = lanesTop + actors.length * laneHeight + 8;
const begin = messages.length ? messages[0].sent : 0, everything = { from: -length * 0.01, to: length * 1.02 };
let view = { from: begin - (length - begin) * 0.03, to: everything.to }, cursor = begin, chosen = -1, hovered = -1, width = 0;
const x = (t) => margin.left + ((t - view.from) / (view.to - view.from)) * (width - margin.left - margin.right);
const timeAt = (px) => view.from + ((px - margin.left) / (width - margin.left - margin.right)) * (view.to - view.from);
const y = (actor) => lanesTop + actor * laneHeight + laneHeight / 2;
const mostDeep = trace.depths.reduce((most, [, depth]) => Math.max(most, depth), 1);

let lines = [];  // what can be pointed at: [message, x1, y1, x2, y2]
function arrow(index, message, from, t1, to, t2, colour, dashes, strong) {
  const [x1, x2, y1, y2] = [x(t1), x(t2), y(from), y(to)];
  if (Math.max(x1, x2) < margin.left - 50 || Math.min(x1, x2) > width + 50) return;
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = strong ? 3 : 1.4;
  pen.setLineDash(dashes);
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
  pen.setLineDash([]);
  const long = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / long, uy = (y2 - y1) / long, head = strong ? 10 : 7;
  pen.beginPath();
  pen.moveTo(x2, y2);
  pen.lineTo(x2 - head * ux - head * 0.45 * uy, y2 - head * uy + head * 0.45 * ux);
  pen.lineTo(x2 - head * ux + head * 0.45 * uy, y2 - head * uy - head * 0.45 * ux);
  pen.fill();
  lines.push([index, x1, y1, x2, y2]);
}
function axis() {
  const rough = (view.to - view.from) / Math.max(2, (width - margin.left) / 110), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  pen.fillStyle = style("--soft");
  pen.textAlign = "center";
  for (let t = Math.ceil(Math.max(0, view.from) / step) * step; t <= Math.min(view.to, length); t += step) {
    pen.strokeStyle = style("--line");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x(t), axisHeight - 4);
    pen.lineTo(x(t), height);
    pen.stroke();
    pen.fillText(time(t), x(t), 15);
  }
}
function depthStrip() {
  if (!trace.depths.length) return;
  const bottom = axisHeight + depthHeight, up = (depth) => bottom - (depth / mostDeep) * (depthHeight - 8);
  pen.beginPath();
  pen.moveTo(x(0), bottom);
  let last = bottom;
  for (const [t, depth] of trace.depths) {
    pen.lineTo(x(t), last);
    pen.lineTo(x(t), (last = up(depth)));
  }
  pen.lineTo(x(length), last);
  pen.lineTo(x(length), bottom);
  pen.fillStyle = style("--depth");
  pen.fill();
  pen.strokeStyle = style("--accent");
  pen.lineWidth = 1.2;
  pen.stroke();
}
function lane(actor, i) {
  const middle = y(i), half = laneHeight >= 40 ? 7 : 5;
  pen.strokeStyle = style("--life");
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(x(actor.begin), middle);
  pen.lineTo(x(actor.end), middle);
  pen.stroke();
  pen.fillStyle = style("--wait");
  for (const [from, to] of actor.waits) if (to >= view.from && from <= view.to) pen.fillRect(x(from), middle - half + 2, Math.max(1, x(to) - x(from)), 2 * half - 4);
}
function held(index, message) {
  const half = laneHeight >= 40 ? 7 : 5;
  for (const one of taken(message)) {
    if (one.end < view.from || one.at > view.to) continue;
    pen.globalAlpha = index === chosen || index === hovered ? 1 : 0.55;
    pen.fillStyle = hueOf(message);
    pen.fillRect(x(one.at), y(one.by) - half, Math.max(2, x(one.end) - x(one.at)), 2 * half);
    pen.globalAlpha = 1;
  }
}
function arrows(index, message, strong) {
  const all = taken(message), colour = hueOf(message);
  all.forEach((one, n) => arrow(index, message, message.from, message.sent, one.by, one.at, colour, n > 0 ? [2, 4] : message.answers ? [7, 4] : [], strong));
  if (!all.length) {
    const [px, py] = [x(message.sent), y(message.from)];
    pen.strokeStyle = message.notSent ? style("--bad") : colour;
    pen.lineWidth = strong ? 3 : 2;
    pen.beginPath();
    pen.arc(px, py, 4, 0, 7);
    pen.stroke();
    lines.push([index, px - 3, py, px + 3, py]);
  }
}
function draw() {
  const scale = devicePixelRatio || 1;
  width = canvas.parentElement.clientWidth;
  margin.left = width < 600 ? 74 : 104;
  canvas.width = Math.round(width * scale), canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  lines = [];
  axis();
  depthStrip();
  actors.forEach(lane);
  messages.forEach((message, i) => held(i, message));
  pen.globalAlpha = chosen >= 0 || hovered >= 0 ? 0.4 : 0.9;
  messages.forEach((message, i) => i !== chosen && i !== hovered && arrows(i, message, false));
  pen.globalAlpha = 1;
  for (const i of new Set([chosen, hovered])) if (i >= 0) arrows(i, messages[i], true);
  actors.forEach((actor, i) => {
    if (actor.how === "open") return;
    const [px, py] = [x(actor.end), y(i)];
    pen.strokeStyle = actor.how === "died" ? style("--bad") : style("--soft");
    pen.lineWidth = actor.how === "died" ? 2.6 : 1.5;
    pen.beginPath();
    if (actor.how === "died") pen.moveTo(px - 6, py - 6), pen.lineTo(px + 6, py + 6), pen.moveTo(px + 6, py - 6), pen.lineTo(px - 6, py + 6);
    else pen.moveTo(px, py - 8), pen.lineTo(px, py + 8);
    pen.stroke();
  });
  // The names stand on a ground of their own: whatever was moved under them.
  pen.fillStyle = style("--card");
  pen.fillRect(0, 0, margin.left - 8, height);
  pen.textAlign = "left";
  pen.fillStyle = style("--soft");
  if (trace.depths.length) pen.fillText(width < 600 ? "depth" : "queue depth", 10, axisHeight + depthHeight - 18), pen.fillText(`0 to ${mostDeep}`, 10, axisHeight + depthHeight - 3);
  actors.forEach((actor, i) => {
    pen.fillStyle = style("--ink");
    pen.font = "600 13px system-ui, sans-serif";
    pen.fillText(actor.name, 10, y(i) + (laneHeight >= 40 ? -1 : 4));
    if (laneHeight < 40) return;
    pen.fillStyle = style("--soft");
    pen.font = "11px system-ui, sans-serif";
    pen.fillText(actor.pid, 10, y(i) + 13);
  });
  if (x(cursor) >= margin.left - 8) {
    pen.strokeStyle = style("--accent");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(x(cursor), 20);
    pen.lineTo(x(cursor), height);
    pen.stroke();
  }
}

// ---- at one moment
function moment() {
  at("now").textContent = time(cursor);
  at("scrubber").value = Math.round((cursor / length) * 1000);
  at("scrubber").setAttribute("aria-valuetext", time(cursor));
  let depth = null;
  for (const [t, deep] of trace.depths) if (t <= cursor) depth = deep; else break;
  const waiting = messages.filter((one) => !one.notSent && one.sent <= cursor && !taken(one).some((r) => r.at <= cursor)).length;
  at("moment").textContent = `${time(cursor)} after the first event: ${count(waiting, "message")} under way${depth === null ? "" : `, ${depth} queued or held`}.${chosen >= 0 ? ` Chosen: ${inWords(messages[chosen])}` : ""}`;
  const holds = actors.map(() => []);
  for (const message of messages) for (const one of taken(message)) if (one.at <= cursor && cursor < one.end) holds[one.by].push(nameOf(message));
  at("states").replaceChildren(...actors.map((actor, i) => {
    const waits = actor.waits.some(([from, to]) => from <= cursor && cursor < to);
    const state = cursor < actor.begin ? "is not there yet" : cursor >= actor.end && actor.how === "died" ? "is dead" : cursor >= actor.end && actor.how === "left" ? "has left" : holds[i].length ? `holds ${holds[i].slice(0, 4).join(", ")}${holds[i].length > 4 ? ` and ${holds[i].length - 4} more` : ""}` : waits ? "waits" : "works";
    return element("li", {}, element("b", {}, actor.name), state);
  }));
}
const inWords = (message) => {
  const all = taken(message), first = all[0];
  return `${nameOf(message)} from ${actors[message.from].name} to ${first ? all.map((one) => actors[one.by].name).join(", then ") : meantFor(message)}, ${count(message.bytes, "byte")}${message.answers ? `, answers ${message.answers}` : ""}; sent at ${time(message.sent)}${first ? `, taken after ${time(first.at - message.sent)}` : ""}; ${fate(message)}.`;
};

// ---- the list
const onAPage = 50;
let firstRow = 0;
function rows() {
  at("rows").replaceChildren(...messages.slice(firstRow, firstRow + onAPage).map((message, n) => {
    const i = firstRow + n, all = taken(message), first = all[0], last = all[all.length - 1];
    const button = element("button", { type: "button" }, nameOf(message));
    button.addEventListener("click", () => choose(i));
    return element("tr", i === chosen ? { class: "chosen", "aria-current": "true" } : {}, element("th", { scope: "row" }, element("i", { class: "dot", style: `background:${hueOf(message)}` }), button),
      ...[actors[message.from].name, first ? all.map((one) => actors[one.by].name).join(", ") : meantFor(message), time(message.sent), first ? time(first.at - message.sent) : "–", last ? time(last.end - last.at) : "–", message.bytes.toLocaleString("en"), fate(message)].map((cell) => element("td", {}, cell)));
  }));
  at("page").textContent = messages.length ? `${firstRow + 1} to ${Math.min(messages.length, firstRow + onAPage)} of ${messages.length.toLocaleString("en")}` : "none";
  at("earlier").disabled = firstRow === 0;
  at("later").disabled = firstRow + onAPage >= messages.length;
}
at("earlier").addEventListener("click", () => ((firstRow = Math.max(0, firstRow - onAPage)), rows()));
at("later").addEventListener("click", () => ((firstRow += onAPage), rows()));

// ---- what a hand does
let wanted = false;
const redraw = () => {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => ((wanted = false), draw()));
};
function see(t) {
  const span = view.to - view.from;
  if (t < view.from || t > view.to) view = { from: t - span / 2, to: t + span / 2 };
}
function move(t) {
  cursor = Math.min(length, Math.max(0, t));
  moment();
  redraw();
}
function choose(i) {
  chosen = i;
  if (i >= 0) {
    if (i < firstRow || i >= firstRow + onAPage) firstRow = Math.floor(i / onAPage) * onAPage;
    see(messages[i].sent);
    move(messages[i].sent);
  }
  rows();
  moment();
  redraw();
}
const step = (n) => messages.length && choose(Math.min(messages.length - 1, Math.max(0, chosen < 0 ? (n > 0 ? 0 : messages.length - 1) : chosen + n)));
function zoom(factor, around = Math.min(view.to, Math.max(view.from, cursor))) {
  const span = Math.min(length * 1.2, Math.max(100, (view.to - view.from) * factor)), share = (around - view.from) / (view.to - view.from);
  view = { from: around - share * span, to: around + (1 - share) * span };
  redraw();
}
function nearest(px, py) {
  let best = -1, least = 8;
  for (const [index, x1, y1, x2, y2] of lines) {
    const dx = x2 - x1, dy = y2 - y1, along = Math.min(1, Math.max(0, ((px - x1) * dx + (py - y1) * dy) / (dx * dx + dy * dy || 1)));
    const distance = Math.hypot(px - x1 - along * dx, py - y1 - along * dy);
    if (distance < least) (least = distance), (best = index);
  }
  return best;
}
function tip(index, px, py) {
  at("tip").hidden = index < 0;
  if (index < 0) return;
  const message = messages[index];
  at("tip").replaceChildren(element("b", {}, nameOf(message)), inWords(message).slice(nameOf(message).length + 1));
  const box = at("tip").getBoundingClientRect();
  at("tip").style.left = `${Math.max(4, Math.min(width - box.width - 4, px + 14))}px`;
  at("tip").style.top = `${py + 16 + box.height > height ? Math.max(4, py - box.height - 12) : py + 16}px`;
}
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const fingers = new Map();
let moved = 0;
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, place(event));
  moved = 0;
});
canvas.addEventListener("pointermove", (event) => {
  const [px, py] = place(event), before = fingers.get(event.pointerId);
  if (!before) {
    const found = nearest(px, py);
    if (found !== hovered) (hovered = found), redraw();
    return tip(found, px, py);
  }
  const others = [...fingers.entries()].filter(([id]) => id !== event.pointerId);
  if (others.length) {
    const [ox] = others[0][1];
    zoom(Math.max(20, Math.abs(before[0] - ox)) / Math.max(20, Math.abs(px - ox)), timeAt((px + ox) / 2));
  } else {
    const shift = timeAt(before[0]) - timeAt(px);
    view = { from: view.from + shift, to: view.to + shift };
    redraw();
  }
  moved += Math.abs(px - before[0]);
  fingers.set(event.pointerId, [px, py]);
});
canvas.addEventListener("pointerup", (event) => {
  fingers.delete(event.pointerId);
  if (moved > 5) return;
  const [px, py] = place(event), found = nearest(px, py);
  if (found >= 0) choose(found), tip(found, px, py);
  else chosen = -1, tip(-1), rows(), move(timeAt(px));
});
canvas.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
canvas.addEventListener("pointerleave", () => ((hovered = -1), tip(-1), redraw()));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    const shift = (event.deltaX / width) * (view.to - view.from);
    view = { from: view.from + shift, to: view.to + shift };
    return redraw();
  }
  zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, timeAt(place(event)[0]));
}, { passive: false });
canvas.addEventListener("keydown", (event) => {
  const does = { ArrowRight: () => step(1), ArrowLeft: () => step(-1), Home: () => choose(0), End: () => choose(messages.length - 1), "+": () => zoom(0.6), "-": () => zoom(1.6), Escape: () => choose(-1) }[event.key];
  if (does && (messages.length || event.key === "+" || event.key === "-")) event.preventDefault(), does();
});
at("scrubber").addEventListener("input", (event) => (see((event.target.value / 1000) * length), move((event.target.value / 1000) * length)));
at("next").addEventListener("click", () => step(1));
at("back").addEventListener("click", () => step(-1));
at("in").addEventListener("click", () => zoom(0.6));
at("out").addEventListener("click", () => zoom(1.6));
at("all").addEventListener("click", () => ((view = { ...everything }), redraw()));
let playing = 0;
at("play").addEventListener("click", () => {
  const button = at("play"), on = !playing;
  clearInterval(playing);
  playing = on ? setInterval(() => {
    if (cursor >= length) return button.click();
    see(cursor + length / 400);
    move(cursor + length / 400);
  }, 25) : 0;
  if (on && cursor >= length) move(0);
  button.setAttribute("aria-pressed", String(on));
  button.textContent = on ? "Pause" : "Play";
});

canvas.setAttribute("aria-label", `A lane for each of ${actors.length} processes and an arrow for each of ${messages.length} messages. The list of messages below says the same.`);
new ResizeObserver(redraw).observe(canvas.parentElement);
dark.addEventListener("change", () => (legend(), rows(), redraw()));
legend();
rows();
moment();
draw();
