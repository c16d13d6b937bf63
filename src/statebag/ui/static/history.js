// All events of an execution, as the service numbers them.
import { html, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { clock, count, visible } from "./format.js";
import { Meter, Trouble } from "./parts.js";
import { Rows } from "./rows.js";
import { usePages } from "./steps.js";

export function History({ arn, head, go }) {
  const [text, setText] = useState("");
  const [chosen, choose] = useState(null);
  const load = (start, size) => ask("events", { arn, start, count: size, text: text || null }).then((answer) => ({ steps: answer.events, total: answer.total }));
  const { total, error, at, want } = usePages(load, `${arn} ${head.number} ${text}`);
  const show = (index) => at(index) && at(index).size >= 0 && go({ tab: "state", at: at(index).event });
  const one = chosen === null ? null : at(chosen);
  return html`<section class="card" aria-label="Events"><div class="title small"><h2>Events <span class="dim">${count(total)}</span></h2>
      <div class="tools">${one && one.size >= 0 ? html`<button type="button" onClick=${() => show(chosen)}>Payload of event ${count(one.event)}</button>` : ""}
        <label><span class="only-read">Find events</span><input type="search" size="24" placeholder="Find a type, state or error" value=${text} onInput=${(event) => { setText(event.target.value); choose(null); }} /></label></div></div>
    <${Trouble} error=${error} />
    <div class="table events"><div class="row head" role="presentation"><span class="right">Event</span><span class="right">After</span><span>Time</span><span>Type</span><span>State or error</span><span class="right">Payload</span></div>
    <${Rows} label="Events" total=${total} height=${34} tall=${612} chosen=${chosen} choose=${choose} use=${show} want=${want}
      row=${(index) => { const row = at(index); return row && { tone: row.error ? "bad" : "", cells: html`
        <span role="cell" class="right">${count(row.event)}</span>
        <span role="cell" class="right dim">${row.previous ? count(row.previous) : ""}</span>
        <span role="cell" class="dim">${clock(row.time)}</span>
        <span role="cell" class="cut">${visible(row.type)}</span>
        <span role="cell" class="cut">${row.state ? html`<span class="strong"><bdi>${visible(row.state)}</bdi></span> ` : ""}${row.error ? html`<span class="bad"><bdi>${visible(row.error)}</bdi></span>` : ""}</span>
        <span role="cell" class="right">${row.size < 0 ? "" : html`<${Meter} size=${row.size} limit=${head.limit} />`}</span>` }; }} /></div>
  </section>`;
}
