// The differences between the states at two events.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { recorded } from "./recorded.js";
import { bytes, count, plural, visible } from "./format.js";
import { Trouble } from "./parts.js";
import { ValueText } from "./tree.js";
import { EventPicker } from "./events.js";

const SHOWN = 100; // a screen or three
const SIGNS = { added: "+", removed: "−", changed: "~", possible: "?" };
const WORDS = { added: "added", removed: "removed", changed: "changed", possible: "perhaps changed" };

export function Differences({ arn, head, route, go, values, unit }) {
  const firstPair = recorded && recorded.pairs.length ? recorded.pairs.at(-1) : null;
  const before = route.before || (firstPair ? firstPair[0] : unit ? String(unit.numbers.at(-2) ?? unit.numbers[0]) : "1");
  const after = route.after || (firstPair ? firstPair[1] : "");
  const [held, setHeld] = useState({ answer: null, error: null });
  const [inside, setInside] = useState({});
  const [shown, setShown] = useState(SHOWN);
  useEffect(() => setShown(SHOWN), [arn, before, after]);
  useEffect(() => setInside({}), [arn, before, after]);
  useEffect(() => {
    ask("differences", { arn, before, after: after || null, values }).then(
      (answer) => setHeld({ answer, error: null }),
      (error) => setHeld({ answer: null, error }),
    );
  }, [arn, before, after, values]);
  const look = (path, most) => {
    setInside((old) => ({ ...old, [path]: { busy: true } }));
    ask("inside", { arn, before, after: answer.after, path, values, most }).then(
      (found) => setInside((old) => ({ ...old, [path]: found })),
      (error) => setInside((old) => ({ ...old, [path]: { error } })),
    );
  };
  const answer = held.answer;
  useEffect(() => {
    // What was read already is shown again with, or without, its values.
    if (answer) for (const path of Object.keys(inside)) look(path, null);
  }, [values]);
  return html`<section class="card" aria-label="Differences">
    <div class="title small"><h2>Differences</h2><div class="tools">${recorded ? html`<${PairPicker} before=${before} after=${after} go=${go} unit=${unit} />` : html`
      <${EventPicker} arn=${arn} head=${head} value=${String(before)} set=${(number) => go({ before: number })} label="From" unit=${unit} />
      <${EventPicker} arn=${arn} head=${head} value=${String(after || (answer ? answer.after : ""))} set=${(number) => go({ after: number })} label="to" unit=${unit} />`}</div></div>
    <${Trouble} error=${held.error} />
    ${answer && !answer.changes.length ? html`<p class="note" role="status">The states at ${unit ? unit.name : "event"}s ${count(answer.before)} and ${count(answer.after)} are the same.</p>` : ""}
    ${answer && answer.changes.length ? html`
      <p class="note" role="status">${plural(answer.changes.length + answer.left_out, "place differs", "places differ")}, as the bags show without reading the store.${recorded ? "" : " “Look inside” reads what differs."}</p>
      <ul class="changes">${answer.changes.slice(0, shown).map((one) => html`<${Change} one=${one} key=${one.path} inside=${inside[one.path]} look=${(most) => look(one.path, most)} show=${() => go({ tab: "state", at: one.kind === "added" ? answer.after : answer.before })} />`)}</ul>
      ${answer.changes.length > shown ? html`<p class="note"><button type="button" onClick=${() => setShown(answer.changes.length)}>Show ${count(answer.changes.length - shown)} more</button></p>` : answer.left_out ? html`<p class="note">${count(answer.left_out)} more are not listed.</p>` : ""}` : ""}
  </section>`;
}

/** The pairs that a file has. */
function PairPicker({ before, after, go, unit }) {
  const name = unit ? "Versions" : "Events";
  return html`<label class="tools">${name} <select value=${`${before} ${after}`} onChange=${(event) => { const [from, to] = event.target.value.split(" "); go({ before: from, after: to }); }}>
    ${recorded.pairs.map(([from, to, what]) => html`<option value=${`${from} ${to}`}>${count(from)} to ${count(to)}: ${visible(what)}</option>`)}</select></label>`;
}

function Change({ one, inside, look, show }) {
  return html`<li class=${`change ${one.kind}`}>
    <div class="line"><span class=${`sign ${one.kind}`} title=${WORDS[one.kind]}><span aria-hidden="true">${SIGNS[one.kind]}</span><span class="only-read">${WORDS[one.kind]}</span></span>
      <span class="path cut"><bdi>${visible(one.path)}</bdi></span>
      ${one.old || one.new ? html`<span class="both"><${ValueText} node=${one.old} />${one.old && one.new ? html` <span class="dim">→</span> ` : ""}<${ValueText} node=${one.new} /></span>` : ""}
      <span class="sizes">${one.kind === "added" ? "" : bytes(one.before)}<span class="dim"> → </span>${one.kind === "removed" ? "" : bytes(one.after)}</span>
      ${recorded || inside || one.old || one.new ? "" : one.kind === "added" || one.kind === "removed" ? html`<button type="button" class="quiet" onClick=${show}>In the state</button>` : html`<button type="button" class="quiet" onClick=${() => look(null)}>Look inside</button>`}</div>
    ${inside && inside.busy ? html`<p class="note" aria-busy="true">Reading…</p>` : ""}
    ${inside && inside.error ? html`<${Trouble} error=${inside.error} />${inside.error.code === "limit_exceeded" ? html`<button type="button" onClick=${() => look(1e12)}>Read it all the same</button>` : ""}` : ""}
    ${inside && inside.changes ? html`<div class="inside" tabindex="0" role="region" aria-label=${`Inside ${visible(one.path)}`}><table>
      <thead><tr><th scope="col">Path</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
      <tbody>${inside.changes.map((part) => html`<tr><th scope="row" class="path"><span class=${`sign ${part.kind}`} aria-hidden="true">${SIGNS[part.kind]}</span> <bdi>${visible(part.path)}</bdi><span class="only-read">${WORDS[part.kind]}</span></th>
        <td class="old">${part.old ? html`<${ValueText} node=${part.old} /> <span class="dim">${bytes(part.before)}</span>` : ""}</td>
        <td class="new">${part.new ? html`<${ValueText} node=${part.new} /> <span class="dim">${bytes(part.after)}</span>` : ""}</td></tr>`)}</tbody></table>
      ${inside.changes.length ? "" : html`<p class="note">Nothing in it differs.</p>`}
      ${inside.left_out ? html`<p class="note">${count(inside.left_out)} more are not listed.</p>` : ""}</div>` : ""}
  </li>`;
}
