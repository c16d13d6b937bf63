// All events of an execution, as the service numbers them.
import { html, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { hasEvent, recorded } from "./recorded.js";
import { clock, count, plural, visible } from "./format.js";
import { Meter, Said, Trouble } from "./parts.js";
import { Rows } from "./rows.js";
import { usePages } from "./steps.js";

export function History({ arn, head, go }) {
  const [text, setText] = useState("");
  const [only, setOnly] = useState("all");
  const [chosen, choose] = useState(null);
  const load = (start, size) => ask("events", { arn, start, count: size, only: only === "all" ? null : only, text: text || null }).then((answer) => ({ steps: answer.events, total: answer.total }));
  const { total, error, at, want } = usePages(load, `${arn} ${head.number} ${only} ${text}`);
  const hasState = (one) => one && one.size >= 0 && hasEvent(one.event);
  const show = (index) => hasState(at(index)) && go({ tab: "state", at: at(index).event });
  const one = chosen === null ? null : at(chosen);
  return html`<section class="card" aria-label="Events"><div class="title small"><h2>Events <span class="dim">${count(total)}</span></h2>
      <div class="tools">${hasState(one) ? html`<button type="button" onClick=${() => show(chosen)}>Payload of event ${count(one.event)}</button>` : ""}
        <label><span class="only-read">Find events</span><input type="search" size="24" placeholder="Find a type, state or error" value=${text} onInput=${(event) => { setText(event.target.value); choose(null); }} /></label>
        <label><span class="only-read">Which events</span><select value=${only} onChange=${(event) => { setOnly(event.target.value); choose(null); }}>
          <option value="all">all events</option><option value="states">with a state</option><option value="payloads">with a payload</option><option value="errors">with an error</option></select></label></div></div>
    <${Said} text=${plural(total, "event")} />
    ${recorded ? html`<p class="note above">This file has the states of ${plural(recorded.states.length, "event")}: the tab State lists them.</p>` : ""}
    <${Trouble} error=${error} />
    <div class="table events"><${Rows} label="Events" columns=${[["Event", "right"], ["After", "right"], "Time", "Type", "State or error", ["Payload", "right"]]} total=${total} height=${34} tall=${612} chosen=${chosen} choose=${choose} use=${show} want=${want}
      row=${(index) => { const row = at(index); return row && { tone: row.error ? "bad" : "", cells: html`
        <span role="gridcell" class="right">${count(row.event)}</span>
        <span role="gridcell" class="right dim">${row.previous ? count(row.previous) : ""}</span>
        <span role="gridcell" class="dim">${clock(row.time)}</span>
        <span role="gridcell" class="cut">${visible(row.type)}</span>
        <span role="gridcell" class="cut">${row.state ? html`<span class="strong"><bdi>${visible(row.state)}</bdi></span> ` : ""}${row.error ? html`<span class="bad"><bdi>${visible(row.error)}</bdi></span>` : ""}</span>
        <span role="gridcell" class="right">${row.size < 0 ? "" : html`<${Meter} size=${row.size} limit=${head.limit} />`}</span>` }; }} /></div>
  </section>`;
}
