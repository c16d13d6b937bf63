// Where answers come from: the program that serves this page, or what a file has recorded.
import { recorded, recordedAnswer } from "./recorded.js";

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

/** Return the answer to a question; parameters that are null or undefined are left out. */
export async function ask(name, parameters = {}, signal) {
  const given = {};
  for (const [key, value] of Object.entries(parameters)) {
    if (value === null || value === undefined || value === false) continue;
    given[key] = value === true ? "1" : typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  if (recorded) {
    const answer = recordedAnswer(name, given);
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
