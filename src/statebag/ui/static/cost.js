// What an execution costs, what it has in the store, and what gc would delete.
import { html, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { recorded } from "./recorded.js";
import { bytes, count, dollars, plural, visible } from "./format.js";
import { Facts, Trouble, useAnswer } from "./parts.js";
import { Rows } from "./rows.js";

export function Cost({ arn, head, measured }) {
  const { answer, error } = useAnswer((signal) => ask("cost", { arn }, signal), `${arn} ${head.number} ${measured}`);
  const [store, setStore] = useState({ answer: null, error: null, busy: false });
  const [chosen, choose] = useState(null);
  const [place, setPlace] = useState(null);
  const look = async () => {
    setStore({ answer: null, error: null, busy: true });
    try {
      setStore({ answer: await ask("store"), error: null, busy: false });
    } catch (problem) {
      setStore({ answer: null, error: problem, busy: false });
    }
  };
  return html`<div class="cost">
    <section class="card" aria-label="Cost"><h2>Cost</h2><${Trouble} error=${error} />
      ${answer ? html`<${Facts} of=${[
        ["Dollars a million steps", dollars(answer.per_million)],
        ["This execution", dollars(answer.dollars)],
        ["Transitions", count(answer.transitions)],
        ["PUTs", count(answer.puts)],
        ["GETs at most", count(answer.gets)],
      ]} />
      <p class="note">Estimated from the history, with prices of US East (N. Virginia): a transition $25, a PUT $5, a GET $0.40 a million. PUTs are the packs in its own scope that its payloads name. GETs are those of processes that remember nothing and open everything. Retries, functions and kept bytes are not in it.</p>
      <h3>Packs <span class="dim">${count(answer.pack_count)}</span></h3>
      <p class="note">${plural(answer.shared, "pack")} shared by several steps${answer.foreign ? `; ${count(answer.foreign)} of other executions` : ""}.</p>
      <div class="table packs"><${Rows} label="Packs" columns=${["Pack", "First named by", ["Steps", "right"]]} total=${answer.packs.length} height=${32} tall=${320} chosen=${place} choose=${setPlace}
        row=${(index) => { const one = answer.packs[index]; return { cells: html`<span role="gridcell" class="cut path" title=${one.name}>${one.name.split("/").pop()}${one.is_own ? "" : html` <span class="tag">other scope</span>`}</span><span role="gridcell" class="cut">${visible(one.first)} <span class="dim">event ${count(one.first_event)}</span></span><span role="gridcell" class="right">${count(one.states)}</span>` }; }} /></div>` : ""}
    </section>
    ${recorded ? "" : html`<section class="card" aria-label="Store"><div class="title small"><h2>Store</h2><button type="button" onClick=${look} disabled=${store.busy}>${store.busy ? "Listing…" : store.answer ? "List again" : "List the store"}</button></div>
      <${Trouble} error=${store.error} />
      ${store.answer ? html`<${Facts} of=${[
        ["Store", visible(store.answer.url)],
        ["Objects", count(store.answer.objects)],
        ["Bytes", bytes(store.answer.bytes)],
        ["Executions", count(store.answer.scopes)],
      ]} />
      <h3>What <code>statebag gc</code> would do now</h3>
      <p class="note">${Object.entries(store.answer.actions).map(([action, number]) => `${action}: ${count(number)}`).join(", ") || "Nothing is there."}</p>
      <div class="table gc"><${Rows} label="Decisions" columns=${["Action", "Execution and reason", ["Objects", "right"], ["Bytes", "right"]]} total=${store.answer.decisions.length} height=${74} tall=${444} chosen=${chosen} choose=${choose}
        row=${(index) => { const one = store.answer.decisions[index]; return { cells: html`<span role="gridcell"><span class=${`tag ${one.action === "delete" ? "bad" : one.action === "keep" ? "" : "warn"}`}>${one.action}</span></span><span role="gridcell" class="two"><span class="strong cut">${visible(one.scope)}</span><span class="dim">${visible(one.why)}</span></span><span role="gridcell" class="right">${count(one.objects)}</span><span role="gridcell" class="right">${bytes(one.bytes)}</span>` }; }} /></div>` : html`<p class="note">Listing reads the names of all objects of the store, and deletes nothing.</p>`}
    </section>`}
  </div>`;
}
