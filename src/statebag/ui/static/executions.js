// All executions: what they are, how they stand, and what they cost.
import { html, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { ago, count, dollars, duration, moment, plural, visible } from "./format.js";
import { Meter, Status, Said, Trouble, useEvery, useTitleFocus } from "./parts.js";
import { Rows } from "./rows.js";

const LIMIT = 262144;

export function Executions({ go }) {
  const [held, setHeld] = useState({ rows: null, error: null });
  const [text, setText] = useState("");
  const [status, setStatus] = useState("");
  const [chosen, choose] = useState(null);
  const load = () =>
    ask("executions", { scan: held.rows !== null }).then(
      (answer) => setHeld({ rows: answer.executions, error: null }),
      (error) => setHeld((old) => ({ ...old, error })),
    );
  const isWhole = held.rows && held.rows.every((row) => row.largest !== null);
  useEvery(held.rows === null ? 0 : isWhole ? 2000 : 200, load);
  const wanted = text.trim().toLowerCase();
  const rows = (held.rows || []).filter(
    (row) => (!wanted || row.arn.toLowerCase().includes(wanted)) && (!status || row.status === status),
  );
  const title = useTitleFocus(true);
  const running = rows.filter((row) => row.status === "RUNNING").length;
  const isArn = /^arn:/.test(text.trim());
  const open = (event) => {
    event.preventDefault();
    if (isArn) go({ arn: text.trim() });
    else if (rows.length) go({ arn: rows[chosen ?? 0].arn });
  };
  return html`<main>
    <div class="title">
      <h1 tabindex="-1" ref=${title}>Executions</h1>
      <form class="tools" role="search" onSubmit=${open}>
        <label><span class="only-read">Find, or open by ARN</span>
          <input type="search" size="34" placeholder="Find, or paste an ARN" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
        <label><span class="only-read">Status</span>
          <select value=${status} onChange=${(event) => setStatus(event.target.value)}>
            <option value="">every status</option>
            ${["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "LOST"].map((one) => html`<option value=${one}>${one.toLowerCase().replace("_", " ")}</option>`)}
          </select></label>
        <button type="submit" disabled=${!isArn && !rows.length}>Open</button>
      </form>
    </div>
    <${Trouble} error=${held.error} />
    <${Said} text=${held.rows === null ? "" : `${plural(rows.length, "execution")}, ${count(running)} running`} />
    ${held.rows && !held.rows.length
      ? html`<div class="empty"><p>No execution on this machine has left a history.</p>
          <p>Run a workflow: <code>statebag run template.yaml --input input.json</code>, or paste the ARN of an execution of AWS.</p></div>`
      : html`<div class="table executions">
      <${Rows} label="Executions" columns=${["Status", "State machine", "Execution", ["Started", "right"], ["Duration", "right"], ["Largest payload", "right"], ["Cost", "right"]]} total=${rows.length} height=${44} tall=${640} chosen=${chosen} choose=${choose}
        use=${(index) => go({ arn: rows[index].arn })}
        row=${(index) => {
          const row = rows[index];
          if (!row) return null;
          return { cells: html`
            <span role="gridcell"><${Status} of=${row.status} /></span>
            <span role="gridcell" class="strong cut">${visible(row.machine)}</span>
            <span role="gridcell" class="cut"><a tabindex="-1" href=${`#/x/${encodeURIComponent(row.arn)}`}>${visible(row.name)}</a>${row.is_local ? "" : html` <span class="tag">AWS</span>`}</span>
            <span role="gridcell" class="right dim" title=${moment(row.started)}>${ago(row.started)}</span>
            <span role="gridcell" class="right">${duration(row.seconds)}</span>
            <span role="gridcell" class="right"><${Meter} size=${row.largest} limit=${LIMIT} /></span>
            <span role="gridcell" class="right">${row.dollars === null ? html`<span class="dim">…</span>` : dollars(row.dollars)}</span>` };
        }} />
      </div>
      <p class="note">${count(rows.length)} shown. The bar is the share of the payload limit, 262,144 bytes. The cost is estimated from the history: transitions and written packs, prices of US East (N. Virginia).</p>`}
  </main>`;
}
