// Where answers come from: the program that serves this page, or what a file has recorded.

const element = document.getElementById("recorded");

export const recorded = element ? JSON.parse(element.textContent) : null;

/** A question whose answer is an error; `hint` says what to do. */
class Refused extends Error {
  constructor(body) {
    super(body.error || "no answer");
    this.hint = body.hint || "";
    this.code = body.code || "";
    this.place = [body.path && `at ${body.path}`, body.object && `object ${body.object}`]
      .filter(Boolean)
      .join(", ");
  }
}

/** Steps of a file: chosen here, as the program chooses them. */
function stepsOf(given) {
  const text = (given.text || "").toLowerCase();
  const isBad = (one) => one.failures.length || !["left", "open"].includes(one.status);
  const chosen = recorded.steps.filter(
    (one) => one.path.toLowerCase().includes(text) && (given.only !== "errors" || isBad(one)) && (given.only !== "open" || one.status === "open"),
  );
  const start = Number(given.start || 0);
  return { start, total: chosen.length, steps: chosen.slice(start, start + Number(given.count)) };
}

/** Whether the state at an event can be shown. */
export function hasEvent(event) {
  return !recorded || recorded.events.some((one) => one.event === event);
}

/** Return the answer to a question; parameters that are null or undefined are left out. */
export async function ask(name, parameters = {}, signal) {
  const given = {};
  for (const [key, value] of Object.entries(parameters)) {
    if (value === null || value === undefined || value === false) continue;
    given[key] = value === true ? "1" : typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  if (recorded) {
    if (name === "steps") return stepsOf(given);
    const pairs = Object.keys(given).sort().map((key) => [key, given[key]]);
    // Escaped as the program writes JSON.
    const key = JSON.stringify([name, pairs]).replace(/[\u007f-\uffff]/g, (found) => "\\u" + found.charCodeAt(0).toString(16).padStart(4, "0"));
    const answer = Object.hasOwn(recorded.answers, key) ? recorded.answers[key] : { refused: { error: "This file does not have that.", hint: "`statebag ui` shows it." } };
    if (answer.refused) throw new Refused(answer.refused);
    return answer;
  }
  let response;
  try {
    response = await fetch(`ask/${name}?${new URLSearchParams(given)}`, { signal, credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ error: "The program does not answer.", hint: "Start `statebag ui` again." });
  }
  if (response.ok) return response.json();
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { error: text };
  }
  throw new Refused(body);
}
