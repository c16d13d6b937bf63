// The steps of an execution, in the order in which they were entered.
import { html, useCallback, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { clock, count, duration, plural, visible } from "./format.js";
import { Meter, Said, Status, Trouble } from "./parts.js";
import { Rows } from "./rows.js";

const PAGE = 200;

/** Pages of a long list, each asked for once; `version` empties them, and keeps what is shown. */
export function usePages(load, version, size = PAGE) {
  const pages = useRef(new Map());
  const asked = useRef(new Set());
  const [state, setState] = useState({ total: 0, error: null, turn: 0 });
  const turn = useRef(0);
  const newest = useRef(version);
  if (newest.current !== version) {
    // Before the rows ask for what is in view, which they do while this is shown.
    newest.current = version;
    turn.current += 1;
    asked.current = new Set();
  }
  const want = useCallback(
    (first, last) => {
      for (let page = Math.floor(first / size); page <= Math.floor(Math.max(first, last - 1) / size); page += 1) {
        if (asked.current.has(page)) continue;
        asked.current.add(page);
        const mine = turn.current;
        load(page * size, size).then(
          (answer) => {
            if (mine !== turn.current) return;
            pages.current.set(page, answer.steps);
            if (page === 0 && !answer.total) pages.current.clear();
            setState((old) => ({ total: answer.total, error: null, turn: old.turn + 1 }));
          },
          (error) => mine === turn.current && setState((old) => ({ ...old, error })),
        );
      }
    },
    [version],
  );
  useEffect(() => want(0, 1), [version]);
  const at = (index) => (pages.current.get(Math.floor(index / size)) || [])[index % size];
  return { ...state, at, want };
}

export function Steps({ arn, number, longest, chosen, choose, use, limit, only, setOnly, text, setText }) {
  const version = `${arn} ${number} ${only} ${text}`;
  const load = (start, size) => ask("steps", { arn, start, count: size, only, text: text || null });
  const { total, error, at, want } = usePages(load, version);
  const [place, setPlace] = useState(null);
  const isAll = only === "all" && !text;
  const index = isAll ? (chosen ? chosen - 1 : null) : place;
  const pick = (to) => {
    setPlace(to);
    const step = at(to);
    if (step) choose(step.number, step);
    else if (isAll) choose(to + 1, null);
  };
  return html`<section aria-label="Steps">
    <div class="title small"><h2>Steps <span class="dim">${count(total)}</span></h2>
      <div class="tools">
        <label><span class="only-read">Find a state</span><input type="search" size="18" placeholder="Find a state" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
        <label><span class="only-read">Which steps</span><select value=${only} onChange=${(event) => setOnly(event.target.value)}>
          <option value="all">all steps</option><option value="errors">with errors</option><option value="open">open</option></select></label>
      </div></div>
    <${Trouble} error=${error} />
    <${Said} text=${text || only !== "all" ? `${plural(total, "step")} of those that were chosen` : ""} />
    <div class="table steps">
      <${Rows} label="Steps" columns=${[["Event", "right"], "Time", "State", "Status", ["Input", "right"], ["Output", "right"], ["Took", "right"]]} total=${total} height=${36} tall=${432} chosen=${index} choose=${pick} use=${(to) => at(to) && use(at(to))} want=${want}
        row=${(to) => {
          const step = at(to);
          if (!step) return null;
          const indices = step.path.slice(0, step.path.length - step.state.length).match(/\[\d+\]/g);
          return { tone: step.failures.length || step.error ? "bad" : "", cells: html`
            <span role="gridcell" class="right dim">${count(step.entered)}</span>
            <span role="gridcell" class="dim">${clock(step.started)}</span>
            <span role="gridcell" class="cut" title=${visible(step.path)} style=${{ paddingLeft: `${step.depth * 14}px` }}><span class="strong">${visible(step.state)}</span>${indices ? html` <span class="dim">${indices.join("")}</span>` : ""} <span class="dim kind">${step.kind}</span></span>
            <span role="gridcell"><${Status} of=${step.status} small />${step.attempts > 1 ? html` <span class="tag warn">${step.attempts}×</span>` : ""}</span>
            <span role="gridcell" class="right"><${Meter} size=${step.input} limit=${limit} /></span>
            <span role="gridcell" class="right"><${Meter} size=${step.output} limit=${limit} /></span>
            <span role="gridcell" class="right dim took">${duration(step.seconds)}<span class="bar" aria-hidden="true"><b style=${{ width: `${longest && step.seconds ? Math.min(100, (100 * step.seconds) / longest) : 0}%` }}></b></span></span>` };
        }} />
    </div>
  </section>`;
}
