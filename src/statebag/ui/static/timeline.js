// Payloads against the limit, step by step: as they travelled, and as they would have been.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { bytes, count } from "./format.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [58, 14, 18, 24];
const TALL = 220;

/** `data` as the program gives it; `chosen` is the number of a step, `choose(number)` picks one. */
export function Timeline({ data, chosen, choose }) {
  const canvas = useRef(null);
  const [at, setAt] = useState(null);
  const [width, setWidth] = useState(600);
  const points = data ? data.first.length : 0;
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(240, entry.contentRect.width)));
    watch.observe(canvas.current.parentElement);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const again = () => setWidth((old) => old + 0.001);
    scheme.addEventListener("change", again);
    return () => {
      watch.disconnect();
      scheme.removeEventListener("change", again);
    };
  }, []);
  const marked = at ?? (chosen && points ? Math.min(points - 1, Math.floor((chosen - 1) / data.width)) : null);
  useEffect(() => {
    if (data) draw(canvas.current, data, Math.round(width), marked);
  }, [data, width, marked]);
  const indexAt = (event) => {
    const box = canvas.current.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    return Math.max(0, Math.min(points - 1, Math.round(share * (points - 1))));
  };
  const onKey = (event) => {
    const here = marked ?? 0;
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, PageDown: here + 20, PageUp: here - 20, Home: 0, End: points - 1 }[event.key];
    if (to === undefined || !points) return;
    event.preventDefault();
    choose(data.first[Math.max(0, Math.min(points - 1, to))]);
  };
  const words = data && marked !== null && points ? wordsAt(data, marked) : "";
  return html`<figure class="timeline">
    <figcaption>
      <span class="key sealed"><i></i>as it travels</span><span class="key opened"><i></i>as it would have been</span><span class="key limit"><i></i>limit, 262,144 bytes</span>
      ${data && !data.is_measured ? html`<span class="dim">measuring…</span>` : ""}
    </figcaption>
    <div class="canvas" tabindex="0" role="slider" aria-label="Payloads, step by step" aria-valuemin="1" aria-valuemax=${data ? Math.max(1, data.steps) : 1}
      aria-valuenow=${data && marked !== null && points ? data.first[marked] : 1} aria-valuetext=${words}
      onKeyDown=${onKey} onMouseMove=${(event) => points && setAt(indexAt(event))} onMouseLeave=${() => setAt(null)}
      onClick=${(event) => points && choose(data.first[indexAt(event)])}>
      <canvas ref=${canvas} height=${TALL}></canvas>
    </div>
    <p class="reading" aria-hidden="true">${words || " "}</p>
  </figure>`;
}

function wordsAt(data, index) {
  const first = data.first[index];
  const last = Math.min(data.steps, first + data.width - 1);
  const name = first === last ? `step ${count(first)}` : `steps ${count(first)} to ${count(last)}`;
  const parts = [name];
  if (data.sealed[index] >= 0) parts.push(`${bytes(data.sealed[index])} travel`);
  if (data.opened[index] >= 0) parts.push(`${bytes(data.opened[index])} opened`);
  if (data.bad[index]) parts.push("with an error");
  return parts.join(" · ");
}

function draw(canvas, data, width, marked) {
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = TALL * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${TALL}px`;
  const look = getComputedStyle(canvas);
  const colour = (name) => look.getPropertyValue(name).trim();
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const top = Math.log10(Math.max(data.limit, ...data.opened, ...data.sealed) * 1.5);
  const known = data.sealed.filter((size) => size > 0);
  const low = Math.floor(Math.log10(Math.max(10, Math.min(...known, 1000))));
  const tall = TALL - TOP - BOTTOM;
  const wide = width - LEFT - RIGHT;
  const y = (size) => TOP + tall * (1 - (Math.log10(Math.max(size, 10 ** low)) - low) / (top - low));
  const last = data.first.length - 1;
  const x = (index) => LEFT + (last ? (wide * index) / last : wide / 2);
  pen.font = `11px ${look.fontFamily}`;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.lineWidth = 1;
  for (let power = low; power <= top; power += 1) {
    pen.strokeStyle = colour("--line");
    line(pen, LEFT, y(10 ** power), width - RIGHT, y(10 ** power));
    pen.fillStyle = colour("--dim");
    pen.fillText(["1 B", "10 B", "100 B", "1 KB", "10 KB", "100 KB", "1 MB", "10 MB", "100 MB", "1 GB", "10 GB"][power] || "", LEFT - 8, y(10 ** power));
  }
  const area = (values, tone, fill) => {
    pen.strokeStyle = tone;
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    let open = false;
    pen.beginPath();
    values.forEach((size, index) => {
      if (size < 0) {
        open = false;
        return;
      }
      if (open) pen.lineTo(x(index), y(size));
      else pen.moveTo(x(index), y(size));
      open = true;
    });
    pen.stroke();
    if (!fill) return;
    pen.lineTo(x(last), TALL - BOTTOM);
    pen.lineTo(x(0), TALL - BOTTOM);
    pen.globalAlpha = 0.12;
    pen.fillStyle = tone;
    pen.fill();
    pen.globalAlpha = 1;
  };
  area(data.opened, colour("--opened"), false);
  area(data.sealed, colour("--sealed"), true);
  if (last < 60) {
    for (const [values, tone] of [[data.opened, "--opened"], [data.sealed, "--sealed"]]) {
      pen.fillStyle = colour(tone);
      values.forEach((size, index) => size >= 0 && dot(pen, x(index), y(size), 2.75));
    }
  }
  pen.strokeStyle = colour("--limit");
  pen.setLineDash([6, 4]);
  line(pen, LEFT, y(data.limit), width - RIGHT, y(data.limit));
  pen.setLineDash([]);
  pen.fillStyle = colour("--bad");
  data.bad.forEach((bad, index) => bad && dot(pen, x(index), TALL - BOTTOM + 5, 2.5));
  pen.fillStyle = colour("--dim");
  pen.textAlign = "left";
  pen.fillText("step 1", LEFT, TALL - 8);
  pen.textAlign = "right";
  if (data.steps > 1) pen.fillText(count(data.steps), width - RIGHT, TALL - 8);
  if (marked !== null && marked <= last) {
    pen.strokeStyle = colour("--text");
    pen.globalAlpha = 0.55;
    pen.lineWidth = 1;
    line(pen, x(marked), TOP, x(marked), TALL - BOTTOM);
    pen.globalAlpha = 1;
    for (const [values, tone] of [[data.opened, "--opened"], [data.sealed, "--sealed"]]) {
      if (values[marked] < 0) continue;
      pen.fillStyle = colour("--surface");
      dot(pen, x(marked), y(values[marked]), 5);
      pen.fillStyle = colour(tone);
      dot(pen, x(marked), y(values[marked]), 3.5);
    }
  }
}

function line(pen, a, b, c, d) {
  pen.beginPath();
  pen.moveTo(Math.round(a) + 0.5, Math.round(b) + 0.5);
  pen.lineTo(Math.round(c) + 0.5, Math.round(d) + 0.5);
  pen.stroke();
}

function dot(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
}
