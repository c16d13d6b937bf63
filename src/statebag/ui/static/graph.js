// The state machine as a drawing, with where the execution stands.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { bytes, count, visible } from "./format.js";

function toneOf(did) {
  if (!did || !did.entered) return "idle";
  if (did.open) return "live";
  if (did.failed || did["timed out"]) return "bad";
  if (did.caught || did.failures) return "warn";
  if (did["given up"]) return "quiet";
  return "ok";
}

const WORDS = { idle: "not entered", live: "open", bad: "failed", warn: "had errors", quiet: "given up", ok: "left" };

function curve(points) {
  let text = `M${points[0][0]},${points[0][1]}`;
  for (let n = 1; n < points.length; n += 1) {
    const [x, y] = points[n];
    const [a, b] = points[n - 1];
    if (a === x || b === y) text += `L${x},${y}`;
    else text += `C${a},${(b + y) / 2} ${x},${(b + y) / 2} ${x},${y}`;
  }
  return text;
}

/** `graph` as the program gives it; `choose(name)` is called with the state that was picked. */
export function Graph({ graph, chosen, choose }) {
  const box = useRef(null);
  const [at, setAt] = useState(null); // the state that the tab key leads to: arrows move between states
  const here = graph && !graph.left_out && (graph.boxes.find((one) => one.did.open && !one.holds) || graph.boxes.find((one) => one.name === chosen));
  useEffect(() => {
    // A large machine is scrolled to where the execution stands.
    if (!box.current || !here) return;
    const scale = box.current.querySelector("svg").clientWidth / graph.width;
    box.current.scrollTo({ left: (here.x + here.width / 2) * scale - box.current.clientWidth / 2, top: (here.y + here.height / 2) * scale - box.current.clientHeight / 2 });
  }, [here && here.name, graph && graph.width]);
  if (!graph) return html`<div class="graph" aria-busy="true"></div>`;
  if (graph.left_out) return html`<p class="note">${graph.left_out}</p>`;
  const title = (box, tone) => {
    const did = box.did;
    const parts = [visible(box.name), box.kind, WORDS[tone]];
    if (did.entered > 1) parts.push(`entered ${count(did.entered)} times`);
    if (did.failures) parts.push(`${count(did.failures)} errors`);
    if (did.largest > 0) parts.push(`largest payload ${bytes(did.largest)}`);
    return parts.join(", ");
  };
  const names = graph.boxes.map((one) => one.name);
  const reached = [at, chosen].find((name) => names.includes(name)) ?? names[0];
  const key = (event, name) => {
    const place = names.indexOf(name);
    const to = { ArrowDown: place + 1, ArrowRight: place + 1, ArrowUp: place - 1, ArrowLeft: place - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = names[Math.max(0, Math.min(names.length - 1, to))];
      setAt(next);
      [...box.current.querySelectorAll("g.state")].find((one) => one.dataset.name === next)?.focus();
    }
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(name);
    }
  };
  return html`<div class="graph" ref=${box} tabindex="-1">
    <svg style=${{ width: `${graph.width}px`, minWidth: `${Math.min(graph.width, Math.max(280, graph.width * 0.78))}px` }} viewBox=${`0 0 ${graph.width} ${graph.height}`} role="group" aria-label="The state machine">
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0,0.8L7.4,4L0,7.2z" class="tip" /></marker></defs>
      ${graph.boxes.filter((box) => box.holds).map((box) => {
        const tone = toneOf(box.did);
        return html`<g class=${`state holds ${tone} ${chosen === box.name ? "chosen" : ""}`} role="button" data-name=${box.name} tabindex=${box.name === reached ? 0 : -1} onFocus=${() => setAt(box.name)}
          onClick=${() => choose(box.name)} onKeyDown=${(event) => key(event, box.name)}>
          <title>${title(box, tone)}</title>
          <rect x=${box.x} y=${box.y} width=${box.width} height=${box.height} rx="10" />
          <text class="kind" x=${box.x + 14} y=${box.y + 19}>${short(box.name, Math.floor(box.width / 9))} · ${box.kind}${times(box.did)}</text></g>`;
      })}
      ${graph.lines.map((line) => html`<path class=${`way ${line.kind}`} d=${curve(line.points)} marker-end="url(#arrow)" />`)}
      ${graph.boxes.filter((box) => !box.holds).map((box) => {
        const tone = toneOf(box.did);
        const middle = box.x + box.width / 2;
        return html`<g class=${`state ${tone} ${chosen === box.name ? "chosen" : ""}`} role="button" data-name=${box.name} tabindex=${box.name === reached ? 0 : -1} onFocus=${() => setAt(box.name)}
          onClick=${() => choose(box.name)} onKeyDown=${(event) => key(event, box.name)}>
          <title>${title(box, tone)}</title>
          <rect x=${box.x} y=${box.y} width=${box.width} height=${box.height} rx="8" />
          <circle cx=${box.x + 16} cy=${box.y + box.height / 2} r="4" />
          <text x=${middle + 8} y=${box.y + 20} text-anchor="middle">${short(box.name, 22)}</text>
          <text class="kind" x=${middle + 8} y=${box.y + 35} text-anchor="middle">${box.kind}${times(box.did)}</text></g>`;
      })}
    </svg>
    ${graph.is_seen_only ? html`<p class="note">The history does not have the definition: these are the states that were entered.</p>` : ""}
  </div>`;
}

function times(did) {
  return did && did.entered > 1 ? ` · ${count(did.entered)}×` : "";
}

function short(name, most) {
  const text = visible(name);
  return text.length > most ? text.slice(0, Math.max(4, most - 1)) + "…" : text;
}
