// Small pieces that every view uses.
import { html, useState, useEffect, useRef } from "./vendor/htm-preact.js";
import { bytes, visible } from "./format.js";

const SAID_EVERY = 5000; // milliseconds. Chosen: a sentence is over by then

// Whether a person went from one page to another: a page that was just opened keeps the browser's own place.
let hasMoved = false;
addEventListener("hashchange", () => {
  hasMoved = true;
});

const STATUS = {
  SUCCEEDED: ["ok", "Succeeded"],
  FAILED: ["bad", "Failed"],
  TIMED_OUT: ["bad", "Timed out"],
  ABORTED: ["quiet", "Aborted"],
  LOST: ["warn", "Lost"],
  RUNNING: ["live", "Running"],
  left: ["ok", "left"],
  open: ["live", "open"],
  caught: ["warn", "caught"],
  failed: ["bad", "failed"],
  "timed out": ["bad", "timed out"],
  "given up": ["quiet", "given up"],
};

/** The name of a status, as it is shown. */
export function statusText(of) {
  return (STATUS[of] || ["quiet", of])[1];
}

export function Status({ of, small }) {
  const [tone, text] = STATUS[of] || ["quiet", of];
  return html`<span class=${`status ${tone} ${small ? "small" : ""}`}><i aria-hidden="true"></i>${text}</span>`;
}

/** A size, with a bar that shows its share of the limit. */
export function Meter({ size, limit }) {
  if (size === null || size === undefined || size < 0) return html`<span class="dim">–</span>`;
  const share = Math.min(1, size / limit);
  const tone = share > 0.9 ? "bad" : share > 0.6 ? "warn" : "ok";
  const text = `${bytes(size)}, ${(100 * size / limit).toFixed(1)} % of the limit`;
  return html`<span class="meter" title=${text}>
    <span class="number">${bytes(size)}</span><span class="only-read">, ${(100 * size / limit).toFixed(1)} % of the limit</span>
    <span class="bar" aria-hidden="true"><b class=${tone} style=${{ width: `${Math.max(2, share * 100)}%` }}></b></span>
  </span>`;
}

/** What went wrong, and what to do. */
export function Trouble({ error }) {
  if (!error) return null;
  return html`<p class="trouble" role="alert">
    <strong>${visible(error.message)}</strong>${error.place ? html` <span>(${visible(error.place)})</span>` : ""}
    ${error.hint ? html`<br />${visible(error.hint)}` : ""}
  </p>`;
}

export function Copy({ text, label = "Copy" }) {
  const [done, setDone] = useState(false);
  const copy = async (event) => {
    event.stopPropagation();
    await put(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<button type="button" class="quiet" onClick=${copy}>${done ? "Copied" : label}</button><span
      class="only-read" role="status">${done ? "Copied to the clipboard" : ""}</span>`;
}

async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea"); // a file on a disk has no clipboard
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/**
 * Text for a screen reader, said when it has changed; at most one in some seconds, the newest, so
 * that a run which is followed does not talk without end. `now` says it at once.
 */
export function Said({ text, now = false }) {
  const [said, setSaid] = useState("");
  const last = useRef(0);
  useEffect(() => {
    if (text === said) return undefined;
    const wait = now ? 0 : Math.max(0, last.current + SAID_EVERY - Date.now());
    const timer = setTimeout(() => {
      last.current = Date.now();
      setSaid(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text, now]);
  return html`<p class="only-read" role="status">${said}</p>`;
}

/** Move the keyboard to the title of a page that has come in place of another one. */
export function useTitleFocus(isShown) {
  const title = useRef(null);
  useEffect(() => {
    if (isShown && hasMoved && title.current) title.current.focus({ preventScroll: true });
  }, [isShown]);
  return title;
}

/** Facts in a row: pairs of a name and a value; a value of null leaves its pair out. */
export function Facts({ of }) {
  return html`<dl class="facts">
    ${of.filter(([, value]) => value !== null && value !== "").map(
      ([name, value, title]) => html`<div key=${name}><dt>${name}</dt><dd title=${title || null}>${value}</dd></div>`,
    )}
  </dl>`;
}

/** Tabs of a view, which arrows move between; `tabs` are pairs of a name and a text. */
export function Tabs({ tabs, chosen, choose }) {
  const bar = useRef(null);
  useEffect(() => {
    const tab = bar.current.querySelector('[aria-selected="true"]');
    if (tab) bar.current.scrollLeft = Math.max(0, tab.offsetLeft + tab.offsetWidth - bar.current.clientWidth);
  }, [chosen]);
  const onKey = (event) => {
    const at = tabs.findIndex(([name]) => name === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    choose(tabs[next][0]);
    bar.current.children[next].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="Views" ref=${bar} onKeyDown=${onKey}>
    ${tabs.map(([name, text]) => html`<button type="button" role="tab" id=${`tab-${name}`} aria-selected=${String(chosen === name)} aria-controls="view" tabindex=${chosen === name ? 0 : -1} onClick=${() => choose(name)}>${text}</button>`)}
  </div>`;
}

/** Ask once for each change of `key`; what an older question answers is dropped. */
export function useAnswer(question, key) {
  const [held, setHeld] = useState({ key: null, answer: null, error: null });
  useEffect(() => {
    const stop = new AbortController();
    question(stop.signal).then(
      (answer) => stop.signal.aborted || setHeld({ key, answer, error: null }),
      (error) => stop.signal.aborted || setHeld((old) => ({ key, answer: old.answer, error })),
    );
    return () => stop.abort();
  }, [key]);
  return { answer: held.answer, error: held.key === key ? held.error : null, busy: held.key !== key };
}

/** Call a function again and again while the page is seen; `pause` of null stops. */
export function useEvery(pause, call) {
  const newest = useRef(call);
  newest.current = call;
  useEffect(() => {
    if (pause === null) return undefined;
    let timer = 0;
    let over = false;
    const next = async () => {
      if (!document.hidden) await newest.current();
      if (!over) timer = setTimeout(next, pause);
    };
    timer = setTimeout(next, pause);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [pause]);
}
