"use strict";
// Draws the page from the JSON in it. Every chart has a table that says the same.
const report = JSON.parse(document.getElementById("data").textContent);

// ---- words
const time = (ns) => {
  if (ns === null || ns === undefined) return "–";
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) if (ns >= size * 0.9995) return `${(ns / size).toPrecision(3)} ${unit}`;
  return `${Math.round(ns)} ns`;
};
const whole = (n) => (n === null || n === undefined ? "–" : Math.round(n).toLocaleString("en"));
const seconds = (s) => {
  const [unit, size] = [["s", 1], ["ms", 1e-3], ["µs", 1e-6]].find(([, size]) => Math.abs(s) >= size * 0.9995) ?? ["s", 1];
  return `${Number((s / size).toPrecision(4))} ${unit}`;
};
const chip = (word, kind) => element("span", { class: `chip ${kind}` }, word);
const verdictChip = (verdict) => (verdict === "ok" || verdict === "held" ? chip(`✓ ${verdict}`, "good") : verdict === "broken" ? chip("✗ broken", "bad") : chip(verdict, "idle"));
const table = (caption, head, rows, wordColumns = [], kind = "words") =>
  element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...head.map((h, i) => element("th", { scope: "col", class: wordColumns.includes(i) ? kind : "" }, h)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell, i) =>
        element(i === 0 ? "th" : "td", i === 0 ? { scope: "row" } : { class: wordColumns.includes(i) ? kind : "" }, cell ?? "–")))))));

const groups = new Map();  // scenario -> its runs
for (const run of report.runs) groups.set(run.scenario, [...(groups.get(run.scenario) ?? []), run]);
const severalSerializers = new Set(report.runs.map((run) => run.serializer)).size > 1;
const nameOf = (run) => (severalSerializers ? `${run.transport}, ${run.serializer}` : run.transport);

// ---- charts
const dark = matchMedia("(prefers-color-scheme: dark)");
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// A transport keeps its colour in all charts; a serializer its dashes.
const hues = () => (dark.matches ? ["#7aa7ff", "#ffb454", "#5fd0a5", "#f48fb1", "#c9a6ff", "#b7c46a"] : ["#2456c7", "#b85c00", "#0b7a55", "#b02a63", "#6b3fb5", "#5d6b10"]);
const transports = [...new Set(report.runs.map((run) => run.transport))].sort(), serializers = [...new Set(report.runs.map((run) => run.serializer))];
const strokeOf = (run) => hues()[transports.indexOf(run.transport) % 6];
const dashOf = (run) => [[], [8, 4], [2, 3], [10, 3, 2, 3]][serializers.indexOf(run.serializer) % 4];

const charts = [];  // [{holder, draw, plot}], drawn again when the width or the colours change
function draw(one) {
  one.plot?.destroy();
  one.plot = one.draw(Math.max(240, one.holder.clientWidth));
}
function axis(label, values, extra = {}) {
  return { label, labelSize: 20, labelFont: "12px system-ui, sans-serif", font: "12px system-ui, sans-serif", stroke: style("--soft"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line") }, values: values && ((_, splits) => splits.map((v) => (v === null ? "" : values(v)))), size: 56, ...extra };
}
function chart(title, says, options, alternative) {
  const holder = element("div", { class: "plot", role: "img", "aria-label": `${title}. ${says} The table below says the same.` });
  const figure = element("figure", {}, element("h3", {}, title), element("figcaption", {}, says), holder, element("details", {}, element("summary", {}, "As a table"), alternative));
  charts.push({ holder, draw: (width) => new uPlot({ width, height: 240, cursor: { drag: { x: true, y: false } }, legend: { live: true }, ...options() }, options().data, holder) });
  return figure;
}

// Series with x of their own on one x.
const join = (parts) => (parts.length ? uPlot.join(parts) : [[0, 1]]);
const line = (run, extra = {}) => ({ label: nameOf(run), stroke: strokeOf(run), dash: dashOf(run), width: 2, spanGaps: true, points: { show: false }, ...extra });

// Of a logarithmic axis only the powers of ten.
const decades = (_, splits) => splits.map((v) => (Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-6 ? v : null));
const onDecades = () => ({ filter: decades, grid: { stroke: style("--line"), width: 1, filter: decades }, ticks: { stroke: style("--line"), filter: decades } });

const shares = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1];
const shareInWords = (share) => (share === 1 ? "max" : `p${Number((share * 100).toFixed(2))}`);
const quantile = (buckets, count, share) => {
  let seen = 0;
  const rank = Math.max(1, Math.ceil(share * count));
  for (const [from, to, times] of buckets) if ((seen += times) >= rank) return (from + to - 1) / 2;
  return null;
};
function percentiles(runs) {
  const known = runs.filter((run) => run.latency.count > 0);
  const values = known.map((run) => shares.map((share) => Math.max(1, quantile(run.latency.buckets, run.latency.count, share))));
  return chart("Latency percentiles", "Lower is better; how steeply a line climbs to the right is how rare the slow ones are.", () => ({
    scales: { x: { time: false }, y: { distr: 3 } },
    axes: [axis(null, (i) => (Number.isInteger(i) && shares[i] !== undefined ? shareInWords(shares[i]) : ""), { splits: () => shares.map((_, i) => i), space: 20, rotate: -45, size: 52 }), axis(null, time, { size: 64, ...onDecades() })],
    series: [{ label: "share", value: (_, i) => (i === null ? "–" : shareInWords(shares[i])) }, ...known.map((run) => line(run, { value: (_, v) => time(v), points: { show: true, size: 5 } }))],
    data: [shares.map((_, i) => i), ...values],
  }), table("Latency percentiles", ["", ...shares.map(shareInWords)], known.map((run, k) => [nameOf(run), ...values[k].map(time)])));
}
function throughput(runs) {
  const rates = runs.map((run) => {
    const [x, y] = [[], []];
    // Steps wide enough for the eye: at most 60.
    const step = Math.max(1, Math.floor(run.samples.length / 60));
    for (let i = step; i < run.samples.length; i += step) {
      const [before, now] = [run.samples[i - step], run.samples[i]];
      if (now[0] > before[0]) x.push(now[0]), y.push((now[1] - before[1]) / (now[0] - before[0]));
    }
    return x.length ? [x, y] : [[0, Math.max(run.seconds, 1e-6)], [run.messages_per_second, run.messages_per_second]];
  });
  const deaths = runs.flatMap((run) => run.deaths.map((death) => ({ at: death.at_s, run })));
  const mark = (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.globalAlpha = Math.max(0.15, Math.min(0.8, 20 / deaths.length));
    for (const death of deaths) {
      const x = plot.valToPos(death.at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.fillStyle = style("--bad");
      ctx.fillRect(x - 0.5, bbox.top, 1, bbox.height);
      ctx.fillRect(x - 3, bbox.top, 6, 6);
    }
    ctx.restore();
  };
  const died = runs.reduce((sum, run) => sum + run.died, 0);
  return chart("Throughput over time", died ? `Messages per second. Red marks: ${whole(died)} children died.` : "Messages per second. No child died.", () => ({
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.1 || 1] } },
    axes: [axis(null, seconds, { size: 34 }), axis(null, (v) => whole(v), { size: 72 })],
    series: [{ label: "time", value: (_, v) => (v === null ? "–" : seconds(v)) }, ...runs.map((run) => line(run, { value: (_, v) => whole(v) }))],
    hooks: { draw: [mark] },
    data: join(rates),
  }), table("Throughput", ["", "messages", "seconds", "messages/s", "died"], runs.map((run) => [nameOf(run), whole(run.messages), run.seconds.toFixed(3), whole(run.messages_per_second), whole(run.died)])));
}
function histogram(runs) {
  const known = runs.filter((run) => run.latency.count > 0);
  const per = 8;  // columns for each doubling
  const columns = known.map((run) => {
    const counts = new Map();
    for (const [from, to, times] of run.latency.buckets) {
      const column = Math.floor(Math.log2(Math.max(1, (from + to - 1) / 2)) * per);
      counts.set(column, (counts.get(column) ?? 0) + times);
    }
    const first = Math.min(...counts.keys()) - 1, last = Math.max(...counts.keys()) + 1;
    const x = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    return [x.map((column) => 2 ** (column / per)), x.map((column) => (100 * (counts.get(column) ?? 0)) / run.latency.count)];
  });
  return chart("Latency histogram", "Share of the messages that took about so long; the axis is logarithmic.", () => ({
    scales: { x: { time: false, distr: 3, log: 10 }, y: { range: (_, __, most) => [0, most * 1.1 || 1] } },
    axes: [axis(null, time, { size: 34, ...onDecades() }), axis(null, (v) => `${Number(v.toPrecision(3))} %`, { size: 56 })],
    series: [{ label: "latency", value: (_, v) => time(v) }, ...known.map((run) => line(run, { paths: uPlot.paths.stepped({ align: 1 }), fill: known.length === 1 ? strokeOf(run) + "33" : undefined, value: (_, v) => (v === null ? "–" : `${v.toFixed(1)} %`) }))],
    data: join(columns),
  }), table("Share of the messages up to a time", ["up to", ...known.map(nameOf)], [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].map((limit) => [time(limit), ...known.map((run) =>
    `${((100 * run.latency.buckets.filter(([, to]) => to <= limit).reduce((sum, [, , times]) => sum + times, 0)) / run.latency.count).toFixed(1)} %`)])));
}
function depth(runs) {
  const known = runs.filter((run) => run.samples.some(([, , there]) => there !== null));
  const most = (run) => Math.max(...run.samples.map(([, , there]) => there ?? 0));
  const mean = (run) => run.samples.reduce((sum, [, , there]) => sum + (there ?? 0), 0) / run.samples.length;
  const unknown = runs.filter((run) => !known.includes(run)).map(nameOf);
  return chart("Queue depth over time", `Messages queued and held, both ways.${unknown.length ? ` ${unknown.join(" and ")} cannot tell.` : ""}`, () => ({
    scales: { x: { time: false }, y: { range: (_, __, top) => [0, top * 1.1 || 1] } },
    axes: [axis(null, seconds, { size: 34 }), axis(null, (v) => (Number.isInteger(v) ? String(v) : ""), { size: 48 })],
    series: [{ label: "time", value: (_, v) => (v === null ? "–" : seconds(v)) }, ...known.map((run) => line(run, { value: (_, v) => whole(v), points: { show: run.samples.length < 3, size: 6 } }))],
    data: join(known.map((run) => [run.samples.map(([at]) => at), run.samples.map(([, , there]) => there)])),
  }), table("Queue depth", ["", "samples", "mean", "most"], known.map((run) => [nameOf(run), whole(run.samples.length), mean(run).toFixed(1), whole(most(run))])));
}

// ---- the page
const broken = report.runs.filter((run) => run.verdict !== "ok");
const messages = report.runs.reduce((sum, run) => sum + run.messages, 0), died = report.runs.reduce((sum, run) => sum + run.died, 0);
const verdict = document.getElementById("verdict");
verdict.textContent = report.passed ? (report.interrupted ? "All that ran held" : "Everything held") : `${broken.length || "Something"} of ${report.runs.length} broke`;
verdict.className = report.passed ? "good" : "bad";
document.title = `mulproc-stress: ${verdict.textContent.toLowerCase()}`;
document.getElementById("summary").textContent =
  `${report.runs.length} combinations, ${whole(messages)} messages, ${whole(died)} deaths; seed ${report.seed}; ${report.made_at.replace("T", " ").replace("Z", " UTC")}${report.interrupted ? "; interrupted: this is what ran" : ""}.`;
document.getElementById("contents").append(element("ul", {}, ...[...groups].map(([name, runs]) =>
  element("li", {}, element("a", { href: `#${name}` }, `${runs.every((run) => run.verdict === "ok") ? "✓" : "✗"} ${name}`)))));
for (const run of broken)
  document.getElementById("overview").append(element("div", { class: "broken" }, element("strong", {}, `${run.scenario} over ${run.transport}, ${run.serializer}: `), run.broken, element("br"), "Repeat it: ", element("code", {}, run.command)));
const columns = [
  ["scenario", (run) => element("a", { href: `#${run.scenario}` }, run.scenario)],
  ["verdict", (run) => verdictChip(run.verdict)],
  ["transport", (run) => run.transport],
  ["serializer", (run) => run.serializer, () => severalSerializers],
  ["messages", (run) => whole(run.messages)],
  ["messages/s", (run) => whole(run.messages_per_second)],
  ["p50", (run) => time(run.latency.p50_ns)],
  ["p99", (run) => time(run.latency.p99_ns)],
  ["max", (run) => time(run.latency.max_ns)],
  ["died", (run) => whole(run.died), (run) => run.died],
  ["handed on", (run) => whole(run.handed_on), (run) => run.handed_on],
  ["dead letters", (run) => whole(run.dead_letters), (run) => run.dead_letters],
].filter(([, , wanted]) => !wanted || report.runs.some(wanted));  // a column of zeros tells nothing
document.getElementById("overview").append(
  table(severalSerializers || !report.runs.length ? "Every combination" : `Every combination, bodies as ${report.runs[0].serializer}`, columns.map(([head]) => head), report.runs.map((run) => columns.map(([, cell]) => cell(run))), [2, 3].filter((i) => ["transport", "serializer"].includes(columns[i][0]))));

for (const [name, runs] of groups) {
  // An invariant holds when it held in all; what broke is named.
  const invariants = new Map();
  for (const run of runs)
    for (const one of run.invariants) {
      const sum = invariants.get(one.name) ?? { ...one, checks: 0, verdict: "not looked at", in: [] };
      sum.checks += one.checks;
      if (one.verdict === "broken") sum.verdict = "broken", sum.in.push(`${nameOf(run)}: ${one.broken}`);
      if (one.verdict === "held" && sum.verdict !== "broken") sum.verdict = "held";
      invariants.set(one.name, sum);
    }
  const deaths = runs.flatMap((run) => run.deaths.map((death) => ({ ...death, run })));
  const title = `${name}-title`;
  const section = element("section", { id: name, "aria-labelledby": title }, element("h2", { id: title }, name), element("p", {}, runs[0].about),
    element("div", { class: "charts" }, percentiles(runs), throughput(runs), histogram(runs), depth(runs)),
    table(`Invariants of ${name}`, ["invariant", "verdict", "in words", "looked at"], [...invariants.values()].map((one) =>
      [one.name, verdictChip(one.verdict), one.in.length ? `${one.words}. ${one.in.join("; ")}` : one.words, `${whole(one.checks)}×`]), [2], "prose"));
  if (deaths.length)
    section.append(element("details", {}, element("summary", {}, `${whole(runs.reduce((sum, run) => sum + run.died, 0))} deaths, the first ${whole(Math.min(deaths.length, 200))} one by one`),
      table(`Deaths in ${name}`, ["at", "over", "pid", "held message", "which became"], deaths.slice(0, 200).map((death) => [seconds(death.at_s), nameOf(death.run), String(death.pid), death.held === null ? "none" : `number ${death.held}`, death.became || (death.held === null ? "–" : "it had been answered")]))));
  section.append(element("details", {}, element("summary", {}, "Commands that repeat these runs"), ...runs.map((run) => element("p", {}, element("code", {}, run.command)))));
  document.getElementById("scenarios").append(section);
}

if (report.soak) {
  const soak = document.getElementById("soak"), prints = report.soak.footprints;
  soak.hidden = false;
  soak.append(element("p", { class: report.soak.grew ? "broken" : "" }, report.soak.grew ? `Broken: ${report.soak.grew}.` : `${seconds(report.soak.seconds)}, ${prints.length} runs; no descriptor, file or process stayed, and memory did not grow.`),
    element("div", { class: "charts" }, chart("Resident memory between runs", "Of the parent, in KiB: it must not climb.", () => ({
      scales: { x: { time: false } }, axes: [axis(null, seconds, { size: 34 }), axis(null, whole, { size: 64 })],
      series: [{ label: "time", value: (_, v) => (v === null ? "–" : seconds(v)) }, { label: "resident KiB", stroke: hues()[0], width: 2, value: (_, v) => whole(v) }],
      data: [prints.map(([at]) => at), prints.map(([, kib]) => kib)],
    }), table("Footprints between runs", ["at", "resident KiB", "descriptors", "shared files", "processes"], prints.filter((_, i) => i % Math.ceil(prints.length / 50) === 0).map((one) => [seconds(one[0]), ...one.slice(1).map(whole)])))));
}
const facts = { Command: element("code", {}, report.command), Seed: String(report.seed), Made: report.made_at, ...Object.fromEntries(Object.entries(report.machine).map(([key, value]) => [key[0].toUpperCase() + key.slice(1), String(value)])), ...Object.fromEntries(Object.entries(report.versions)) };
for (const [key, value] of Object.entries(facts)) document.getElementById("machine").append(element("dt", {}, key), element("dd", {}, value));

charts.forEach(draw);
document.documentElement.dataset.charts = String(charts.length);
dark.addEventListener("change", () => charts.forEach(draw));
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) (width = innerWidth), charts.forEach(draw);
});
