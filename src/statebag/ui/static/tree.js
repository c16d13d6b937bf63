// A state as a tree that loads what is opened.
import { html, useEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { bytes, count, visible } from "./format.js";
import { Trouble } from "./parts.js";
import { Rows } from "./rows.js";

const FORMS = {
  stored: "in the store",
  carried: "in the payload, compressed",
  pieces: "in the store, in chunks",
  patched: "in the store, as a delta",
  layered: "in the store, as deltas",
  rest: "in the store, with the small fields",
  escaped: "data that looks like a stub",
};

const TAGS = { carried: "inline", pieces: "chunks", patched: "delta", layered: "deltas", rest: "gathered" };

export function whereIs(node) {
  if (!node.is_stub) return "plain in the payload";
  const packs = node.packs.length ? `: ${node.packs.map((one) => one.split("/").pop()).join(", ")}` : "";
  return (FORMS[node.form] || node.form) + packs + (node.more_packs ? ` and ${node.more_packs} more` : "");
}

export function ValueText({ node }) {
  if (!node) return null;
  const preview = node.preview ? html` <span class="preview"><bdi>${visible(node.preview)}</bdi></span>` : "";
  if (node.kind === "object") return html`<span class="dim">{${count(node.count)}}</span>${preview}`;
  if (node.kind === "array") return html`<span class="dim">[${count(node.count)}]</span>${preview}`;
  if (node.is_stub) return html`<span class="dim">a value</span>${preview}`;
  if (node.value === undefined) return html`<span class="masked" title="Masked: “Show values” shows it"><span aria-hidden="true">••••••</span><span class="only-read">masked</span></span>`;
  const text = visible(node.value) + (node.is_cut ? "…" : "");
  return html`<span class=${`value ${node.kind}`}><bdi>${node.kind === "string" ? `“${text}”` : text}</bdi></span>`;
}

/** `chosen` is a list of parts; `choose(parts, node)` picks a value. */
export function Tree({ arn, at, values, chosen, choose, version }) {
  const [open, setOpen] = useState(new Map()); // the text of a path: {members, total, error}
  const [error, setError] = useState(null);
  const [place, setPlace] = useState(0);
  const turn = useRef(0);
  const load = async (parts, start, most) => {
    const mine = turn.current;
    const key = JSON.stringify(parts);
    const answer = await ask("state", { arn, at, path: parts, start: start || null, values, most: most || null });
    if (mine !== turn.current) return;
    setOpen((old) => {
      const next = new Map(old);
      const before = start ? (old.get(key) || { members: [] }).members : [];
      next.set(key, { members: [...before, ...answer.members], total: answer.node.count || 0 });
      return next;
    });
  };
  const expand = (parts, start = 0, most = null) =>
    load(parts, start, most).catch((problem) => {
      setOpen((old) => new Map(old).set(JSON.stringify(parts), { members: [], total: 0, error: problem }));
    });
  const shut = (parts) =>
    setOpen((old) => {
      const next = new Map(old);
      const prefix = JSON.stringify(parts).slice(0, -1);
      for (const key of old.keys()) if (key === prefix + "]" || key.startsWith(prefix + ",")) next.delete(key);
      return next;
    });
  useEffect(() => {
    turn.current += 1;
    setError(null);
    const again = [...open.keys()].map((key) => JSON.parse(key));
    setOpen(new Map());
    load([], 0).catch(setError);
    for (const parts of again) if (parts.length) load(parts, 0).catch(() => {});
  }, [arn, at, values, version]);
  const rows = useMemo(() => {
    const found = [];
    const visit = (parts, depth) => {
      const held = open.get(JSON.stringify(parts));
      if (!held) return;
      if (held.error) found.push({ parts, depth, error: held.error });
      held.members.forEach((node, index) => {
        const inner = [...parts, node.key];
        found.push({ parts: inner, depth, node, isOpen: open.has(JSON.stringify(inner)), set: held.total, pos: index + 1 });
        visit(inner, depth + 1);
      });
      if (held.members.length < held.total && !held.error) found.push({ parts, depth, more: held.total - held.members.length, start: held.members.length });
    };
    visit([], 0);
    return found;
  }, [open]);
  const canOpen = (row) => row.node && (row.node.kind === "object" || row.node.kind === "array") && row.node.count !== 0;
  const pick = (index) => {
    setPlace(index);
    const row = rows[index];
    if (row && row.node) choose(row.parts, row.node);
  };
  const use = (index) => {
    const row = rows[index];
    if (!row) return;
    if (row.more) expand(row.parts, row.start);
    else if (row.error) expand(row.parts, 0, 1e12);
    else if (row.isOpen) shut(row.parts);
    else if (canOpen(row)) expand(row.parts);
  };
  const onKey = (event) => {
    const row = rows[place];
    if (!row) return false;
    if (event.key === "ArrowRight" && canOpen(row)) {
      if (row.isOpen) pick(Math.min(rows.length - 1, place + 1));
      else expand(row.parts);
      return true;
    }
    if (event.key === "ArrowLeft") {
      if (row.isOpen) shut(row.parts);
      else {
        const outer = JSON.stringify(row.parts.slice(0, -1));
        const up = rows.findIndex((one) => one.node && JSON.stringify(one.parts) === outer);
        if (up >= 0) pick(up);
      }
      return true;
    }
    return false;
  };
  const picked = JSON.stringify(chosen);
  return html`<${Trouble} error=${error} />
    ${rows.length || error ? "" : html`<p class="note" aria-busy="true">Reading…</p>`}
    <div class="tree"><${Rows} label="State" role="tree" total=${rows.length} height=${30} tall=${600} chosen=${rows.length ? place : null} choose=${pick} use=${use} onKey=${onKey}
      row=${(index) => {
        const row = rows[index];
        if (!row) return null;
        const pad = { paddingLeft: `${row.depth * 20 + 6}px` };
        if (row.more) return { aria: { "aria-level": row.depth + 1 }, cells: html`<span style=${pad}><button type="button" class="quiet" onClick=${() => use(index)}>${count(row.more)} more: show ${count(Math.min(200, row.more))}</button></span>` };
        if (row.error)
          return { aria: { "aria-level": row.depth + 1 }, tone: "bad", cells: html`<span style=${pad} class="cut" title=${visible(`${row.error.message} ${row.error.hint}`)}>${visible(row.error.message)} ${row.error.code === "limit_exceeded" ? html`<button type="button" class="quiet" onClick=${() => use(index)}>Read it all the same</button>` : visible(row.error.hint)}</span>` };
        const node = row.node;
        return {
          aria: { "aria-level": row.depth + 1, "aria-setsize": row.set, "aria-posinset": row.pos, "aria-expanded": canOpen(row) ? String(row.isOpen) : null },
          tone: JSON.stringify(row.parts) === picked ? "is-picked" : "",
          cells: html`<span class="field cut" style=${pad}>
              <button type="button" class=${`twist ${canOpen(row) ? "" : "none"}`} tabindex="-1" aria-hidden="true" onClick=${(event) => { event.stopPropagation(); pick(index); use(index); }}>${row.isOpen ? "▾" : "▸"}</button>
              <span class=${typeof node.key === "number" ? "index" : "name"}><bdi>${typeof node.key === "number" ? node.key : visible(node.key) || "“”"}</bdi></span>
              <${ValueText} node=${node} /></span>
            <span class="right dim nowrap">${node.is_stub ? html`<span class=${`tag ${node.form === "carried" ? "" : "store"}`} title=${whereIs(node)}>${TAGS[node.form] || node.form}</span> ` : ""}${node.size !== undefined ? bytes(node.size) : ""}</span>`,
        };
      }} /></div>`;
}
