// The page: which view is shown, and what all views share.
import { html, render, useEffect, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { recorded } from "./recorded.js";
import { bytes, count, duration, moment, plural, visible } from "./format.js";
import { Copy, Facts, Status, Said, statusText, Tabs, Trouble, useEvery, useTitleFocus } from "./parts.js";
import { Executions } from "./executions.js";
import { History } from "./history.js";
import { Overview } from "./overview.js";
import { StateView } from "./state.js";
import { Differences } from "./differences.js";
import { Cost } from "./cost.js";
import { Head, headTabs, Heads } from "./heads.js";

const TABS = [["steps", "Steps"], ["events", "Events"], ["state", "State"], ["differences", "Differences"], ["cost", "Cost and store"]];
const FIELDS = ["at", "before", "after"];

function readRoute() {
  if (recorded) {
    const parameters = new URLSearchParams(location.hash.slice(1));
    const given = parameters.get("tab");
    const known = tabsOf(recorded.kind);
    return { kind: recorded.kind, arn: recorded.arn, tab: known.includes(given) ? given : known[0], ...fields(parameters) };
  }
  const [path, query] = location.hash.slice(1).split("?");
  const [, kind, arn, tab] = path.split("/");
  if (!arn || (kind !== "x" && kind !== "h")) return { kind: kind === "h" ? "h" : "x", arn: null };
  let name = arn;
  try {
    name = decodeURIComponent(arn);
  } catch {
    // As it is: the program says what is wrong with it.
  }
  const tabs = tabsOf(kind);
  return { kind, arn: name, tab: tabs.includes(tab) ? tab : tabs[0], ...fields(new URLSearchParams(query || "")) };
}

function tabsOf(kind) {
  return kind === "h" ? headTabs : TABS.map(([one]) => one);
}

function fields(parameters) {
  return Object.fromEntries(FIELDS.filter((name) => /^\d{1,9}$/.test(parameters.get(name) || "")).map((name) => [name, parameters.get(name)]));
}

function hashOf(route) {
  const parameters = new URLSearchParams(FIELDS.filter((name) => route[name]).map((name) => [name, String(route[name])]));
  if (recorded) return "#" + new URLSearchParams([["tab", route.tab], ...parameters]);
  if (!route.arn) return route.kind === "h" ? "#/h" : "#/";
  const query = String(parameters);
  return `#/${route.kind}/${encodeURIComponent(route.arn)}/${route.tab || (route.kind === "h" ? headTabs[0] : "steps")}${query ? "?" + query : ""}`;
}

function App() {
  const [route, setRoute] = useState(readRoute());
  const [values, setValues] = useState(false);
  useEffect(() => {
    const changed = () => setRoute(readRoute());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  const go = (change) => {
    const next = change.arn && change.arn !== route.arn ? { kind: route.kind, ...change } : { ...route, ...change };
    location.hash = hashOf(next);
  };
  return html`<a class="skip" href="#page" onClick=${(event) => { event.preventDefault(); const main = document.querySelector("main"); if (main) { main.tabIndex = -1; main.focus(); } }}>To the content</a>
    <header class="top">
      <a class="mark" href=${recorded ? "#" : "#/"}><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M5 8h14l1.4 11.2a1.6 1.6 0 0 1-1.6 1.8H5.2a1.6 1.6 0 0 1-1.6-1.8z" /><path d="M8.5 10V7a3.5 3.5 0 0 1 7 0v3" /></svg>statebag</a>
      ${recorded ? "" : html`<nav aria-label="Pages"><a href="#/" aria-current=${route.kind === "x" ? "page" : null}>Executions</a><a href="#/h" aria-current=${route.kind === "h" ? "page" : null}>Heads</a></nav>`}
      ${recorded ? html`<span class="dim">report of ${moment(recorded.made)}</span>` : ""}
      ${recorded && !recorded.has_values ? html`<span class="dim last">values are left out</span>` : ""}
      ${recorded ? "" : html`<label class="switch last"><input type="checkbox" role="switch" checked=${values} onChange=${(event) => setValues(event.target.checked)} /><span class="slot" aria-hidden="true"></span>Show values</label>`}
    </header>
    ${route.kind === "h" ? (route.arn ? html`<${Head} key=${route.arn} route=${route} go=${go} values=${recorded ? recorded.has_values : values} />` : html`<${Heads} go=${go} />`) : route.arn ? html`<${Execution} key=${route.arn} route=${route} go=${go} values=${recorded ? recorded.has_values : values} />` : html`<${Executions} go=${go} />`}`;
}

function Execution({ route, go, values }) {
  const arn = route.arn;
  const [held, setHeld] = useState({ head: null, error: null });
  const [follow, setFollow] = useState(true);
  const load = () =>
    ask("execution", { arn, causes: values }).then(
      (head) => setHeld((old) => (old.head && old.head.number === head.number && old.head.largest === head.largest && old.causes === values ? old : { head, error: null, causes: values })),
      (error) => setHeld((old) => ({ ...old, error })),
    );
  useEffect(() => {
    load();
  }, [arn, values]);
  const head = held.head;
  const isReading = head && head.reading !== null;
  const isLive = head && !isReading && head.stands.status === "RUNNING";
  useEvery(recorded ? null : isReading ? 20 : isLive && follow ? 1000 : null, load);
  useEffect(() => {
    document.title = head ? `${head.stands.status.toLowerCase()}: ${visible(head.machine)} ${visible(head.name)} – statebag` : "statebag";
  }, [head]);
  const title = useTitleFocus(Boolean(head));
  if (!head) return html`<main><h1 class="only-read">Execution</h1><${Trouble} error=${held.error} />${held.error ? "" : html`<p class="note" aria-busy="true">Reading the history…</p>`}</main>`;
  const stands = head.stands;
  const view = { arn, head, route, go, values, causes: values };
  return html`<main>
    <div class="title"><div><h1 tabindex="-1" ref=${title}>${recorded ? "" : html`<a class="up" href="#/" aria-label="All executions">Executions</a>`}<span>${visible(head.machine)}</span></h1>
      <p class="arn"><span class="cut">${visible(arn)}</span> <${Copy} text=${arn} label="Copy ARN" /></p></div>
      <div class="tools"><${Status} of=${stands.status} />${isLive && !recorded ? html`<label class="switch"><input type="checkbox" role="switch" checked=${follow} onChange=${(event) => setFollow(event.target.checked)} /><span class="slot" aria-hidden="true"></span>Follow</label>` : ""}</div></div>
    <${Trouble} error=${held.error} />
    ${recorded ? "" : html`<${Said} text=${saidOf(head, isReading)} now=${!isLive} />`}
    <${Facts} of=${[
      ["Started", moment(head.started).replace(/\.\d+/, "")],
      ["Duration", duration(head.seconds)],
      ["Steps", isReading ? `${count(head.transitions)} so far` : count(head.transitions)],
      ["Events", `${count(head.events)} of 25,000`],
      ["Errors", head.failures ? `${count(head.failures)}, ${count(head.retries)} retried` : "none"],
      ["Largest payload", `${bytes(head.largest)} of 262 KB`, `${count(head.largest)} bytes`],
    ]} />
    ${isReading ? html`<p class="note reading-on">Reading the history: <progress max="1" value=${head.reading} aria-label="Share of the history that was read"></progress> ${Math.floor(head.reading * 100)} %. Steps, errors and sizes are those so far.</p>` : ""}
    <${Next} stands=${stands} go=${go} />
    <${Tabs} tabs=${TABS} chosen=${route.tab} choose=${(tab) => go({ tab })} />
    <div id="view" role="tabpanel" aria-labelledby=${`tab-${route.tab}`}>
      ${route.tab === "steps" ? html`<${Overview} ...${view} />` : ""}
      ${route.tab === "events" ? html`<${History} ...${view} />` : ""}
      ${route.tab === "state" ? html`<${StateView} ...${view} />` : ""}
      ${route.tab === "differences" ? html`<${Differences} ...${view} />` : ""}
      ${route.tab === "cost" ? html`<${Cost} ...${view} />` : ""}
    </div>
  </main>`;
}

/** How an execution goes on, for whoever does not see the page. */
function saidOf(head, isReading) {
  if (isReading) return "Reading the history";
  const open = head.stands.waiting.slice(0, 1).map((one) => `, ${visible(one.state.split("/").slice(1).join("/"))} ${REASONS[one.reason]}`);
  return `${statusText(head.stands.status)}: ${plural(head.transitions, "step")}, ${plural(head.events, "event")}${open.join("")}`;
}

const REASONS = {
  token: "waits for the answer to its task token",
  worker: "waits for an activity's worker",
  job: "waits for the end of its job",
  function: "waits for its task",
  retry: "waits for its next attempt",
  time: "waits for its time",
  iterations: "waits for its iterations",
  children: "waits for the children of its Map Run",
  next: "is open",
};

/** How it stands, and what to do next, as `statebag log` says it. */
function Next({ stands }) {
  const isBad = ["FAILED", "TIMED_OUT", "ABORTED", "LOST"].includes(stands.status);
  if (!isBad && !stands.waiting.length && !stands.advice) return null;
  const lines = (stands.advice || "").split("\n").filter(Boolean);
  return html`<section class=${`next ${isBad ? "bad" : "live"}`} aria-label="How it stands">
    ${isBad ? html`<p>${stands.state ? html`In state <strong>${visible(stands.state.split("/").slice(1).join("/") || stands.state)}</strong> (event ${count(stands.state_event)})` : "It ended"}${stands.error ? html` with <strong>${visible(stands.error)}</strong>` : ""}.</p>` : ""}
    ${stands.cause ? html`<pre>${visible(stands.cause, true)}</pre>` : stands.has_cause && stands.status !== "SUCCEEDED" ? html`<p class="dim">Its cause may quote values${recorded ? "" : ": “Show values” shows it"}.</p>` : ""}
    ${stands.waiting.slice(0, 5).map((one) => html`<p><strong>${visible(one.state.split("/").slice(1).join("/"))}</strong> ${REASONS[one.reason]} since ${moment(one.since)}${one.timeout ? `, timeout ${count(one.timeout)} s` : ""}${one.heartbeat ? `, heartbeat ${count(one.heartbeat)} s` : ""}</p>`)}
    ${stands.waiting.length > 5 ? html`<p class="dim">and ${count(stands.waiting.length - 5)} more states are open</p>` : ""}
    ${lines.map((line) => {
      const at = line.search(/\b(statebag|aws) [a-z-]+ /);
      return at > 0
        ? html`<p class="advice">${visible(line.slice(0, at))}<code>${visible(line.slice(at))}</code> <${Copy} text=${line.slice(at)} /></p>`
        : html`<p class="advice">${visible(line)}</p>`;
    })}
  </section>`;
}

render(html`<${App} />`, document.getElementById("page"));
