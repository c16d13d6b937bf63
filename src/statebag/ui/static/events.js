// A field for the number of an event, with the states before and after.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { recorded } from "./recorded.js";
import { count, visible } from "./format.js";

/** `unit` has the numbers that there are, if they are versions and not events. */
export function EventPicker({ arn, head, value, set, label, unit }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const name = `pick-${label}`.replace(/\W/g, "-");
  const submit = (event) => {
    event.preventDefault();
    const number = Number.parseInt(text, 10);
    if (number >= 1) set(Math.min(number, head.events));
  };
  if (recorded) {
    return html`<label class="tools">${label} <select value=${value} onChange=${(event) => set(event.target.value)}>
      ${recorded.states.map((one) => html`<option value=${String(one.event)}>${count(one.event)}: ${visible(one.name)}</option>`)}</select></label>`;
  }
  const thing = unit ? unit.name : "state entered";
  const step = async (way) => {
    const here = Number(value) || head.events;
    if (unit) {
      const near = way > 0 ? unit.numbers.find((one) => one > here) : unit.numbers.findLast((one) => one < here);
      if (near !== undefined) set(near);
      return;
    }
    // Steps are in the order of their first event: the one before or after is found by halves.
    let [low, high] = [0, head.transitions];
    const at = async (index) => (await ask("steps", { arn, start: index, count: 1, only: "all" })).steps[0];
    while (low < high) {
      const middle = (low + high) >> 1;
      const one = await at(middle);
      if (one.entered < here + (way > 0 ? 1 : 0)) low = middle + 1;
      else high = middle;
    }
    const one = way > 0 ? await at(low).catch(() => null) : low > 0 ? await at(low - 1) : null;
    if (one) set(one.entered);
  };
  return html`<form class="tools" onSubmit=${submit}>
    <label for=${name} class="dim">${label}</label>
    <button type="button" class="quiet" title=${`The ${thing} before`} aria-label=${`${label}: the ${thing} before`} onClick=${() => step(-1)}>‹</button>
    <input id=${name} inputmode="numeric" size="7" value=${text} onInput=${(event) => setText(event.target.value)} onBlur=${submit} />
    <button type="button" class="quiet" title=${`The ${thing} after`} aria-label=${`${label}: the ${thing} after`} onClick=${() => step(1)}>›</button>
    <span class="dim">of ${count(head.events)}</span>
  </form>`;
}
