// Heads: the threads that a store keeps under a name, and the versions of one.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { hasEvent, hasPair, recorded } from "./recorded.js";
import { ago, bytes, count, moment, plural, visible } from "./format.js";
import { Copy, Facts, Meter, Tabs, Trouble, useAnswer, useTitleFocus } from "./parts.js";
import { Rows } from "./rows.js";
import { usePages } from "./steps.js";
import { StateView } from "./state.js";
import { Differences } from "./differences.js";

const LIMIT = 262144;
const PAUSE = 250; // ms after the last key before the store is asked. Chosen: longer than between keys
const TABS = [["versions", "Versions"], ["state", "State"], ["differences", "Differences"]];

export const headTabs = TABS.map(([name]) => name);

/** All heads of the store, the newest write first. */
export function Heads({ go }) {
  const [text, setText] = useState("");
  const [turn, setTurn] = useState(0);
  const [chosen, choose] = useState(null);
  const [asked, setAsked] = useState("");
  const wanted = text.trim().toLowerCase();
  const title = useTitleFocus(true);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), PAUSE);
    return () => clearTimeout(timer);
  }, [wanted]);
  const { answer, error, busy } = useAnswer((signal) => ask("heads", { text: asked }, signal), `${turn} ${asked}`);
  // Until the answer is here: what is found among the rows that are.
  const isAnswered = asked === wanted && !busy;
  const rows = ((answer && answer.heads) || []).filter((row) => isAnswered || `${row.scope}/${row.name} ${row.label}`.toLowerCase().includes(wanted));
  const open = (event) => {
    event.preventDefault();
    if (rows.length) go({ kind: "h", arn: rows[chosen ?? 0].arn });
  };
  return html`<main>
    <div class="title"><h1 tabindex="-1" ref=${title}>Heads</h1>
      <form class="tools" role="search" onSubmit=${open}>
        <label><span class="only-read">Find a head</span><input type="search" size="34" placeholder="Find a scope, name or label" value=${text} onInput=${(event) => { setText(event.target.value); choose(null); }} /></label>
        <button type="submit" disabled=${!rows.length}>Open</button>
        <button type="button" disabled=${busy} onClick=${() => setTurn(turn + 1)}>${busy ? "Listing…" : "List again"}</button>
      </form></div>
    <${Trouble} error=${error} />
    ${answer && !answer.heads.length && isAnswered && !wanted
      ? html`<div class="empty"><p>The store has no heads.</p><p>A head is the newest state under a name, such as the thread of an agent: <code>sb.heads("agents/thread-7").head("main")</code>.</p></div>`
      : html`<div class="table heads"><${Rows} label="Heads" columns=${["Scope", "Head", "Newest label", ["Versions", "right"], ["Written", "right"]]} total=${rows.length} height=${44} tall=${640} chosen=${chosen} choose=${choose} use=${(index) => go({ kind: "h", arn: rows[index].arn })}
        row=${(index) => { const one = rows[index]; return one && { cells: html`
          <span role="gridcell" class="strong cut" title=${visible(one.scope)}><bdi>${visible(one.scope)}</bdi></span>
          <span role="gridcell" class="cut"><a tabindex="-1" href=${`#/h/${encodeURIComponent(one.arn)}`}><bdi>${visible(one.name)}</bdi></a>${one.reads.length ? html` <span class="tag">fork</span>` : ""}</span>
          <span role="gridcell" class="cut dim">${one.trouble ? html`<span class="bad">${visible(one.trouble)}</span>` : html`<bdi>${visible(one.label)}</bdi>`}</span>
          <span role="gridcell" class="right">${count(one.versions)}</span>
          <span role="gridcell" class="right dim" title=${moment(one.written)}>${ago(one.written)}</span>` }; }} /></div>
      <p class="note" role="status">${answer ? `${plural(rows.length, "head")}${answer.left_out ? `, the newest; ${count(answer.left_out)} more are not listed` : ""}.` : "Listing…"}</p>`}
  </main>`;
}

/** One head: its versions, the state at each, and differences between two. */
export function Head({ route, go, values }) {
  const arn = route.arn;
  const [turn, setTurn] = useState(0);
  const { answer: head, error, busy } = useAnswer((signal) => ask("head", { arn }, signal), `${arn} ${turn}`);
  useEffect(() => {
    document.title = head ? `${visible(head.scope)} ${visible(head.name)} – statebag` : "statebag";
  }, [head]);
  const title = useTitleFocus(Boolean(head));
  if (!head) return html`<main><h1 class="only-read">Head</h1><${Trouble} error=${error} />${error ? "" : html`<p class="note" aria-busy="true">Reading the head…</p>`}</main>`;
  const unit = { name: "version", numbers: head.numbers };
  const view = { arn, head: { ...head, events: head.newest, number: head.newest }, route, go, values, unit };
  return html`<main>
    <div class="title"><div><h1 tabindex="-1" ref=${title}>${recorded ? "" : html`<a class="up" href="#/h" aria-label="All heads">Heads</a>`}<span><bdi>${visible(head.scope)}</bdi> · <bdi>${visible(head.name)}</bdi></span></h1>
      <p class="arn"><span class="cut">${visible(arn)}</span> <${Copy} text=${arn} label="Copy name" /></p></div>
      ${recorded ? "" : html`<div class="tools"><button type="button" disabled=${busy} onClick=${() => setTurn(turn + 1)}>Read again</button></div>`}</div>
    <${Trouble} error=${error} />
    <${Facts} of=${[
      ["Newest version", count(head.newest)],
      ["Label", head.label ? visible(head.label) : ""],
      ["Written", moment(head.written).replace(/\.\d+/, "")],
      ["Versions", count(head.versions)],
      ["Bag", bytes(head.sealed)],
      ["Opened", bytes(head.opened)],
      ["Forked from", head.origins.length ? head.origins.map(visible).join(", ") : ""],
    ]} />
    <${Tabs} tabs=${TABS} chosen=${route.tab} choose=${(tab) => go({ tab })} />
    <div id="view" role="tabpanel" aria-labelledby=${`tab-${route.tab}`}>
      ${route.tab === "versions" ? html`<${Versions} ...${view} turn=${turn} />` : ""}
      ${route.tab === "state" ? html`<${StateView} ...${view} />` : ""}
      ${route.tab === "differences" ? html`<${Differences} ...${view} />` : ""}
    </div>
  </main>`;
}

function Versions({ arn, head, go, values, turn }) {
  const load = (start, size) => ask("versions", { arn, start, count: Math.min(size, 100), values }).then((answer) => ({ steps: answer.versions, total: answer.total }));
  const { total, error, at, want } = usePages(load, `${arn} ${head.newest} ${values} ${turn}`, 100);
  const [chosen, choose] = useState(null);
  const one = chosen === null ? null : at(chosen);
  return html`<div class="stack">
    <section class="card" aria-label="Versions"><div class="title small"><h2>Versions <span class="dim">${count(total)}</span></h2>
      ${one ? html`<div class="tools">${hasEvent(one.number) ? html`<button type="button" onClick=${() => go({ tab: "state", at: one.number })}>State of version ${count(one.number)}</button>` : ""}
        ${chosen + 1 < total && at(chosen + 1) && hasPair(at(chosen + 1).number, one.number) ? html`<button type="button" onClick=${() => go({ tab: "differences", before: at(chosen + 1).number, after: one.number })}>What it changed</button>` : ""}</div>` : ""}</div>
      <${Trouble} error=${error} />
      <div class="table versions"><${Rows} label="Versions of the head" columns=${[["Version", "right"], "Label", "Note", ["Bag", "right"], ["Opened", "right"], ["Written", "right"]]} total=${total} height=${36} tall=${432} chosen=${chosen} choose=${choose} use=${(index) => at(index) && hasEvent(at(index).number) && go({ tab: "state", at: at(index).number })} want=${want}
        row=${(index) => { const row = at(index); return row && { cells: html`
          <span role="gridcell" class="right">${count(row.number)}</span>
          <span role="gridcell" class="cut strong"><bdi>${visible(row.label)}</bdi></span>
          <span role="gridcell" class="cut dim">${row.trouble ? html`<span class="bad">${visible(row.trouble)}</span>` : row.note !== undefined ? html`<bdi>${visible(row.note)}</bdi>` : row.note_size ? html`<span class="masked"><span aria-hidden="true">••••••</span><span class="only-read">masked</span></span>` : ""}</span>
          <span role="gridcell" class="right"><${Meter} size=${row.sealed} limit=${LIMIT} /></span>
          <span role="gridcell" class="right dim">${row.opened >= 0 ? bytes(row.opened) : ""}</span>
          <span role="gridcell" class="right dim" title=${moment(row.written)}>${row.written ? ago(row.written) : ""}</span>` }; }} /></div>
    </section>
    <${Forks} arn=${arn} go=${go} />
  </div>`;
}

function Forks({ arn, go }) {
  const [held, setHeld] = useState(null);
  useEffect(() => {
    if (recorded) look();
  }, []);
  const look = () => ask("forks", { arn }).then((answer) => setHeld({ forks: answer.forks }), (error) => setHeld({ error }));
  return html`<section class="card" aria-label="Forks"><div class="title small"><h2>Forks</h2>${held ? "" : html`<button type="button" onClick=${look}>Find forks</button>`}</div>
    ${held && held.error ? html`<${Trouble} error=${held.error} />` : ""}
    ${held && held.forks ? (held.forks.length
      ? html`<ul class="forks">${held.forks.map((one) => html`<li key=${one.arn}>${recorded ? html`<span class="strong"><bdi>${visible(one.scope)}</bdi> · <bdi>${visible(one.name)}</bdi></span>` : html`<a href=${`#/h/${encodeURIComponent(one.arn)}`}><bdi>${visible(one.scope)}</bdi> · <bdi>${visible(one.name)}</bdi></a>`} <span class="dim">${plural(one.versions, "version")}, written ${ago(one.written)}</span></li>`)}</ul>`
      : html`<p class="note">No other head was forked from this scope.</p>`) : held ? "" : html`<p class="note">Looking for them reads the object of each head of the store.</p>`}
  </section>`;
}
