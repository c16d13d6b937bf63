// One execution at a glance: the machine, the payloads, the steps, and the step that was picked.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { ask } from "./source.js";
import { hasEvent, hasPair, recorded } from "./recorded.js";
import { bytes, duration, plural, visible } from "./format.js";
import { Facts, Status, Trouble, useAnswer } from "./parts.js";
import { Graph } from "./graph.js";
import { Timeline } from "./timeline.js";
import { Steps } from "./steps.js";

export function Overview({ arn, head, go, causes }) {
  const [chosen, setChosen] = useState(null);
  const [step, setStep] = useState(null);
  const [only, setOnly] = useState("all");
  const [text, setText] = useState("");
  const [timeline, setTimeline] = useState({ data: null, error: null });
  const graph = useAnswer((signal) => ask("graph", { arn }, signal), `${arn} ${head.number} ${timeline.data && timeline.data.is_measured}`);
  useEffect(() => {
    let over = false;
    const load = () =>
      ask("timeline", { arn, points: 1000 }).then(
        (data) => {
          if (over) return;
          setTimeline({ data, error: null });
          if (!data.is_measured) setTimeout(load, 30);
        },
        (error) => over || setTimeline((old) => ({ ...old, error })),
      );
    load();
    return () => {
      over = true;
    };
  }, [arn, head.number]);
  const wanted = useRef(null);
  const pick = (number, known) => {
    setChosen(number);
    wanted.current = number; // an answer that comes late is not of what is picked now
    const show = (one) => wanted.current === number && setStep(one);
    if (known) show(known);
    else ask("steps", { arn, start: number - 1, count: 1, only: "all" }).then((answer) => show(answer.steps[0] || null), () => show(null));
  };
  const pickState = (name) => {
    setOnly("all");
    setText(text === name ? "" : name);
  };
  useEffect(() => {
    // Something is picked from the start: where it failed, else the newest step.
    if (chosen !== null || !head.transitions || head.reading !== null) return;
    const bad = head.stands.state_event;
    if (!bad) pick(head.transitions, null);
    else ask("steps", { arn, start: 0, count: 500, only: "errors" }).then((answer) => { const one = answer.steps.find((each) => each.entered === bad); if (one) pick(one.number, one); }, () => {});
  }, [arn, head.reading === null]);
  return html`<div class="overview">
    <section class="card machine" aria-label="State machine"><h2>State machine</h2><${Trouble} error=${graph.error} /><${Graph} graph=${graph.answer} chosen=${step && step.state} choose=${pickState} /></section>
    <div class="stack">
      <section class="card" aria-label="Payloads"><h2>Payloads</h2><${Trouble} error=${timeline.error} /><${Timeline} data=${timeline.data} chosen=${chosen} choose=${(number) => { setOnly("all"); setText(""); pick(number, null); }} /></section>
      ${step ? html`<${Step} step=${step} go=${go} causes=${causes} arn=${arn} />` : ""}
    </div>
    <div class="card wide"><${Steps} arn=${arn} number=${`${head.number} ${timeline.data && timeline.data.is_measured}`} limit=${head.limit} longest=${head.longest} chosen=${chosen} choose=${pick} use=${(one) => go({ tab: "state", at: one.left || one.entered })} only=${only} setOnly=${setOnly} text=${text} setText=${setText} /></div>
  </div>`;
}

function Step({ step, go, causes, arn }) {
  const [full, setFull] = useState(null);
  useEffect(() => {
    setFull(null);
    if (causes && step.failures.some((one) => one.has_cause)) {
      ask("steps", { arn, start: step.number - 1, count: 1, only: "all", causes: true }).then((answer) => setFull(answer.steps[0]), () => {});
    }
  }, [step, causes]);
  const shown = full && full.number === step.number ? full : step;
  return html`<section class="card picked" aria-label="Picked step">
    <div class="title small"><h3>${visible(step.state)} <${Status} of=${step.status} small /></h3>
      <div class="tools">
        ${hasEvent(step.entered) ? html`<button type="button" onClick=${() => go({ tab: "state", at: step.entered })}>State it was given</button>` : ""}
        ${step.left && hasEvent(step.left) ? html`<button type="button" onClick=${() => go({ tab: "state", at: step.left })}>State it left</button>
        ${hasPair(step.entered, step.left) ? html`<button type="button" onClick=${() => go({ tab: "differences", before: step.entered, after: step.left })}>What it changed</button>` : ""}` : ""}
      </div></div>
    <${Facts} of=${[
      ["Where", visible(step.path)],
      ["Events", `${step.entered}${step.left ? ` to ${step.left}` : ""}`],
      ["Attempts", step.attempts > 1 ? String(step.attempts) : ""],
      ["Took", duration(step.seconds)],
      ["Input", step.input >= 0 ? sizes(step.input, step.input_opened) : ""],
      ["Output", step.output >= 0 ? sizes(step.output, step.output_opened) : ""],
    ]} />
    ${shown.failures.length ? html`<h4>${plural(shown.failures.length, "error")}</h4><ol class="failures">
      ${shown.failures.map((one) => html`<li><strong>${visible(one.error || "an error without a name")}</strong> <span class="dim">at event ${one.event}</span>
        ${one.cause ? html`<pre>${visible(one.cause, true)}</pre>` : one.has_cause ? html`<div class="dim">Its cause may quote values${recorded ? "." : ": “Show values” shows it."}</div>` : ""}</li>`)}
    </ol>` : ""}
  </section>`;
}

function sizes(sealed, opened) {
  return opened > 0 && opened !== sealed ? `${bytes(sealed)} (${bytes(opened)} opened)` : bytes(sealed);
}
