// A list of which only the rows in view are on the page, however long it is.
import { html, useState, useRef, useLayoutEffect } from "./vendor/htm-preact.js";

const AROUND = 8; // rows above and below the view
const HEAD = 34; // pixels of the row with the titles, as the style has it

/**
 * `total` rows of `height` pixels; `row(index)` gives the content of one, or null while it is
 * loaded. `chosen` is the index of the row that the keyboard is at; `choose(index)` moves there,
 * `use(index)` is Enter. `want(first, last)` is told which rows are in view. `columns` are the
 * titles, each a text or a pair of a text and a class; a tree has none.
 */
export function Rows({ total, height, row, chosen, choose, use, want, label, columns, role = "grid", tall = 480, onKey }) {
  const box = useRef(null);
  const [moves, setMoves] = useState(0);
  const [view, setView] = useState({ top: 0, room: tall });
  const isGrid = role === "grid";
  const above = columns ? HEAD : 0;
  const measure = () => {
    if (box.current) setView({ top: box.current.scrollTop, room: (box.current.clientHeight || tall) - above });
  };
  useLayoutEffect(measure, [total]);
  useLayoutEffect(() => {
    if (!box.current || chosen === null || chosen === undefined) return;
    const { scrollTop } = box.current;
    const room = box.current.clientHeight - above;
    const top = chosen * height;
    if (top < scrollTop) box.current.scrollTop = top;
    else if (top + height > scrollTop + room) box.current.scrollTop = top + height - room;
  }, [chosen, moves]);
  const first = Math.max(0, Math.floor(view.top / height) - AROUND);
  const last = Math.min(total, Math.ceil((view.top + view.room) / height) + AROUND);
  useLayoutEffect(() => {
    if (want && last > first) want(first, last);
  }, [first, last, want]);
  const page = Math.max(1, Math.floor(view.room / height) - 1);
  const onKeyDown = (event) => {
    if (event.target.closest("button, input, select, textarea, a")) return;
    if (onKey && onKey(event) === true) {
      event.preventDefault();
      return;
    }
    const at = chosen ?? -1;
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: total - 1 };
    if (event.key in steps && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      setMoves(moves + 1);
      if (total) choose(Math.max(0, Math.min(total - 1, steps[event.key])));
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0 && use) {
      event.preventDefault();
      use(at);
    }
  };
  const nameOf = (index) => `${label}-${index}`.replace(/\W/g, "-");
  const shown = [];
  // The row that the keyboard is at stays, so that its name can be read when it is out of view.
  const isAway = chosen !== null && chosen !== undefined && chosen < total && (chosen < first || chosen >= last);
  const indices = isAway && chosen < first ? [chosen] : [];
  for (let index = first; index < last; index += 1) indices.push(index);
  if (isAway && chosen >= last) indices.push(chosen);
  for (const index of indices) {
    const one = row(index);
    shown.push(html`<div
      key=${index}
      id=${nameOf(index)}
      role=${isGrid ? "row" : "treeitem"}
      aria-rowindex=${isGrid ? index + 2 : null}
      aria-selected=${index === chosen ? "true" : "false"}
      ...${(one && one.aria) || {}}
      class=${`row ${index === chosen ? "chosen" : ""} ${(one && one.tone) || ""}`}
      style=${{ top: `${index * height}px`, height: `${height}px` }}
      onClick=${() => choose(index)}
      onDblClick=${() => use && use(index)}
    >${one ? one.cells : html`<span role=${isGrid ? "gridcell" : null} class="dim"><span aria-hidden="true">…</span><span class="only-read">is being read</span></span>`}</div>`);
  }
  return html`<div
    class="rows"
    ref=${box}
    role=${role}
    tabindex="0"
    aria-label=${label}
    aria-rowcount=${isGrid ? total + 1 : null}
    aria-activedescendant=${chosen !== null && chosen !== undefined && chosen < total ? nameOf(chosen) : null}
    style=${{ height: `${Math.min(tall, Math.max(1, total) * height + 2) + above}px` }}
    onScroll=${measure}
    onKeyDown=${onKeyDown}
  >${columns ? html`<div class="row head" role="row" aria-rowindex="1">${columns.map((one) => {
      const [text, look] = Array.isArray(one) ? one : [one, null];
      return html`<span role="columnheader" class=${look}>${text}</span>`;
    })}</div>` : ""}<div class="length" role=${isGrid ? "rowgroup" : "presentation"} style=${{ height: `${total * height}px` }}>${shown}</div></div>`;
}
