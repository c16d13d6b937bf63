// The state at an event: the tree, a search in it, and the value that was picked.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { hasPair, isRecorded, recorded } from "./recorded.js";
import { bytes, count, pathText, plural, visible } from "./format.js";
import { Copy, Facts, Trouble } from "./parts.js";
import { Tree, ValueText, whereIs } from "./tree.js";
import { EventPicker } from "./events.js";

const CHANGES = 100; // of a value that are listed at once: some screens

export function StateView({ arn, head, route, go, values, unit }) {
  const word = unit ? unit.name : "event";
  const at = route.at || "";
  const [info, setInfo] = useState(null);
  const [error, setError] = useState(null);
  const [picked, setPicked] = useState(null); // {parts, node}
  useEffect(() => {
    setInfo(null);
    setError(null);
    ask("state", { arn, at: at || null, path: [], values }).then(setInfo, setError);
  }, [arn, at, at ? "" : head.number]);
  const event = info ? String(info.event) : at;
  return html`<div class="state">
    <section class="card" aria-label="State">
      <div class="title small"><h2>State at ${word}</h2>
        <${EventPicker} arn=${arn} head=${head} value=${event} set=${(number) => go({ at: number })} label=${unit ? "Version" : "Event"} unit=${unit} /></div>
      <${Trouble} error=${error} />
      ${info ? html`<${Facts} of=${[
        [unit ? "Version" : "Event", [count(info.event), visible(info.type)].filter(Boolean).join(", ")],
        ["Travels with", info.sealed === null ? "" : bytes(info.sealed)],
        ["Opened", info.opened === null ? "" : bytes(info.opened)],
      ]} />
      <${Search} arn=${arn} at=${event} values=${values} choose=${(parts, node) => setPicked({ parts, node })} />
      <${Tree} arn=${arn} at=${event} values=${values} chosen=${picked && picked.parts} choose=${(parts, node) => setPicked({ parts, node })} />` : ""}
    </section>
    <${Picked} arn=${arn} at=${event} picked=${picked} values=${values} go=${go} word=${word} />
  </div>`;
}

function Search({ arn, at, values, choose }) {
  const [text, setText] = useState("");
  const [where, setWhere] = useState("path");
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const look = async (budget) => {
    setBusy(true);
    setError(null);
    try {
      setFound({ ...(await ask("search", { arn, at, text, where, values, budget })), budget });
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  useEffect(() => setFound(null), [at]);
  const skipped = found ? found.skipped.reduce((sum, one) => sum + one.size, 0) : 0;
  return html`<form class="tools search" role="search" onSubmit=${(event) => { event.preventDefault(); if (text) look(8 * 1024 * 1024); }}>
      <label class="grow"><span class="only-read">Search the state</span><input type="search" placeholder="Search the state" value=${text} onInput=${(event) => { setText(event.target.value); setFound(null); }} /></label>
      <label><span class="only-read">Search in</span><select value=${where} onChange=${(event) => { setWhere(event.target.value); setFound(null); }}><option value="path">in paths</option>${recorded && !recorded.has_values ? "" : html`<option value="value">in values</option>`}</select></label>
      <button type="submit" disabled=${!text || busy}>${busy ? "Reading…" : "Search"}</button>
    </form>
    <${Trouble} error=${error} />
    ${found ? html`<div class="found">
      <p class="note" role="status">${found.is_cut ? "The first " : ""}${plural(found.hits.length, "place")}${recorded ? "." : `; ${bytes(found.read)} were read.`}
        ${skipped && recorded ? `${plural(found.skipped.length, "stored value")} with ${bytes(skipped)}, and what is in it, ${found.skipped.length === 1 ? "is" : "are"} not in this file.` : skipped ? html` ${plural(found.skipped.length, "stored value")} with ${bytes(skipped)} did not fit into the ${bytes(found.budget)} that a search reads. <button type="button" class="quiet" disabled=${busy} onClick=${() => look(Math.ceil((found.read + skipped) * 1.1))}>Read ${bytes(found.read + skipped)}</button>` : ""}</p>
      <ul>${found.hits.map((hit) => html`<li key=${hit.path}><button type="button" class="link path" onClick=${() => choose(hit.parts, hit)}><bdi>${visible(hit.path)}</bdi></button> <${ValueText} node=${hit} /></li>`)}</ul>
    </div>` : ""}`;
}

function Picked({ arn, at, picked, values, go, word }) {
  const [text, setText] = useState(null);
  const [error, setError] = useState(null);
  const [trail, setTrail] = useState(null);
  const [shown, setShown] = useState(CHANGES);
  const key = picked && JSON.stringify(picked.parts);
  useEffect(() => {
    setText(null);
    setError(null);
  }, [key, at]);
  useEffect(() => {
    setTrail(null);
    setShown(CHANGES);
  }, [key]);
  if (!picked) return html`<aside class="card picked-value" aria-label="Picked value"><h2>Value</h2><p class="note">Pick a value to see where it is, its text, and what became of it across ${word}s.</p></aside>`;
  const { parts, node } = picked;
  const show = (start = 0, most = null) =>
    ask("text", { arn, at, path: parts, start: start || null, most }).then(
      (answer) => { setError(null); setText((old) => (start && old ? { ...answer, text: old.text + answer.text } : answer)); },
      setError,
    );
  // What a file does not have is not offered.
  const path = JSON.stringify(parts);
  const hasText = !recorded || isRecorded("text", { arn, at, path });
  const hasTrail = !recorded || isRecorded("trail", { arn, path });
  const follow = async () => {
    let held = { changes: [], mark: null, next: 0, done: false };
    try {
      while (!held.done) {
        const answer = await ask("trail", { arn, at, path: parts, after: held.next || null, mark: held.mark, values });
        held = { changes: [...held.changes, ...answer.changes], mark: answer.mark, next: answer.next, done: answer.next === null };
        setTrail({ ...held, key });
      }
    } catch (problem) {
      setTrail({ ...held, key, error: problem });
    }
  };
  return html`<aside class="card picked-value" aria-label="Picked value">
    <div class="title small"><h2>Value</h2><${Copy} text=${pathText(parts)} label="Copy path" /></div>
    <p class="path"><bdi>${visible(pathText(parts))}</bdi></p>
    <${Facts} of=${[
      ["Kind", node.kind === "value" ? "string or number" : node.kind],
      ["Size", node.size === undefined ? "" : `${bytes(node.size)} (${count(node.size)})`],
      ["Holds", node.count === undefined || node.count === null ? "" : plural(node.count, node.kind === "array" ? "item" : "member")],
      ["Where", whereIs(node)],
    ]} />
    <div class="tools">${text || !hasText ? "" : html`<button type="button" onClick=${() => show()}>Show value</button>`}
      ${hasTrail ? html`<button type="button" onClick=${follow} disabled=${trail && !trail.done && !trail.error}>History of this value</button>` : ""}</div>
    ${error && error.code === "limit_exceeded" ? html`<${Trouble} error=${{ message: error.message, hint: "" }} /><button type="button" onClick=${() => show(0, 1e12)}>Read it all the same</button>` : html`<${Trouble} error=${error} />`}
    ${text ? html`<pre class="text" tabindex="0" aria-label="Text of the value"><bdi>${visible(text.text, true)}</bdi></pre>
      <div class="tools"><span class="note">${count(text.text.length)} of ${count(text.length)} characters</span>
        ${text.text.length < text.length ? html`<button type="button" class="quiet" onClick=${() => show(text.text.length)}>More</button>` : ""}<${Copy} text=${text.text} /></div>` : ""}
    ${trail && trail.key === key ? html`<h3>History</h3><${Trouble} error=${trail.error} />
      <ol class="trail">${trail.changes.slice(0, shown).map((one, index) => html`<li key=${one.event}><span class=${`what ${one.what}`}>${{ is: "there", changed: "changed", gone: "gone", unknown: "not known" }[one.what]}</span>
          <button type="button" class="link" onClick=${() => go({ at: one.event })}>${word} ${count(one.event)}</button> <span class="dim cut">${visible(one.state || one.type)}</span>
          <span class="right">${one.note ? visible(one.note) : html`${one.size !== undefined ? bytes(one.size) : ""} ${one.kind ? html`<${ValueText} node=${one} />` : ""}`}</span>
          ${index && hasPair(trail.changes[index - 1].event, one.event) ? html`<button type="button" class="quiet" onClick=${() => go({ tab: "differences", before: trail.changes[index - 1].event, after: one.event })}>Compare</button>` : ""}</li>`)}</ol>
      ${trail.changes.length > shown ? html`<p class="note"><button type="button" class="quiet" onClick=${() => setShown(shown + CHANGES)}>${count(trail.changes.length - shown)} more: show ${count(Math.min(CHANGES, trail.changes.length - shown))}</button></p>` : ""}
      <p class="note" role="status">${trail.done ? (trail.changes.length ? `No other ${word} changed it.` : `No ${word} has it.`) : `looked at ${word}s up to ${count(trail.next)}…`}</p>` : ""}
  </aside>`;
}
