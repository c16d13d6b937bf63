// Answers that a file has in it, instead of a program that gives them.
import { pathText } from "./format.js";

const element = document.getElementById("recorded");

export const recorded = element ? JSON.parse(element.textContent) : null;

const MOST_HITS = 200;

/** A long list of the file, which is read when it is first shown: its length, and a row by index. */
const lists = new Map();
function list(name) {
  if (!lists.has(name)) {
    const { count, names, words, columns } = JSON.parse(document.getElementById(`recorded-${name}`).textContent);
    const at = (index) => Object.fromEntries(names.map((one, place) => [one, words[place] ? words[place][columns[place][index]] : columns[place][index]]));
    lists.set(name, { count, at });
  }
  return lists.get(name);
}

/** A part of the rows that are wanted, as the program chooses them. */
let chosen = { key: "", rows: [] };
function part(name, given, isWanted) {
  const { count, at } = list(name);
  const key = `${name} ${given.only || "all"} ${given.text || ""}`;
  if (chosen.key !== key) {
    const rows = [];
    for (let index = 0; index < count; index += 1) if (isWanted(at(index))) rows.push(index);
    chosen = { key, rows };
  }
  const start = Number(given.start || 0);
  return { start, total: chosen.rows.length, rows: chosen.rows.slice(start, start + Number(given.count)).map(at) };
}

const has = (text, ...words) => words.some((one) => (one || "").toLowerCase().includes(text));

function steps(given) {
  const text = (given.text || "").toLowerCase();
  const isBad = (one) => one.failures.length || !["left", "open"].includes(one.status);
  const isWanted = (one) => has(text, one.path) && (given.only !== "errors" || isBad(one)) && (given.only !== "open" || one.status === "open");
  const { rows, ...about } = part("steps", given, isWanted);
  return { ...about, steps: rows };
}

function events(given) {
  const text = (given.text || "").toLowerCase();
  const kinds = { errors: (one) => one.error !== null, payloads: (one) => one.size >= 0, states: (one) => one.is_state };
  const isWanted = (one) => has(text, one.type, one.state, one.error) && (kinds[given.only] || (() => true))(one);
  const { rows, ...about } = part("events", given, isWanted);
  return { ...about, events: rows };
}

function versions(given) {
  const { rows, ...about } = part("versions", given, () => true);
  // What a version does not have was written as null.
  return { ...about, versions: rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))) };
}

/** The moment whose recorded state is the same as the one at a moment. */
function sameAs(at) {
  const found = recorded.states.find((one) => String(one.event) === at);
  return found && found.same ? String(found.same) : at;
}

function keyOf(name, given) {
  const pairs = Object.keys(given).sort().map((one) => [one, given[one]]);
  // Escaped as the program writes JSON.
  return JSON.stringify([name, pairs]).replace(/[\u007f-\uffff]/g, (found) => "\\u" + found.charCodeAt(0).toString(16).padStart(4, "0"));
}

const MISSING = { refused: { error: "This file does not have that.", hint: "`statebag ui` shows it." } };

function found(name, given) {
  const key = keyOf(name, given);
  return Object.hasOwn(recorded.answers, key) ? recorded.answers[key] : MISSING;
}

/** Search the recorded parts of a state. */
function search(given) {
  const text = given.text.toLowerCase();
  const at = sameAs(given.at);
  const hits = [];
  const skipped = [];
  let isCut = false;
  for (const [key, answer] of Object.entries(recorded.answers)) {
    const [name, pairs] = JSON.parse(key);
    const asked = Object.fromEntries(pairs);
    if (name !== "state" || asked.at !== at || !answer.members) continue;
    for (const node of answer.members) {
      const parts = [...JSON.parse(asked.path), node.key];
      const path = pathText(parts);
      const isHit = given.where === "path" ? has(text, path) : has(text, node.value);
      if (isHit && hits.length === MOST_HITS) isCut = true;
      else if (isHit) hits.push({ ...node, path, parts });
      if (node.is_stub && found("state", { arn: given.arn, at, path: JSON.stringify(parts) }) === MISSING) skipped.push({ path, parts, size: node.size });
    }
  }
  return { hits, read: 0, skipped, is_cut: isCut };
}

/** Return a recorded answer, or an object with `refused`. */
export function recordedAnswer(name, asked) {
  const { values: _values, causes: _causes, most: _most, budget: _budget, ...given } = asked;
  if (name === "steps") return steps(given);
  if (name === "events") return events(given);
  if (name === "versions") return versions(given);
  if (name === "search") return search(given);
  if (name === "trail") {
    const answer = found(name, { arn: given.arn, path: given.path });
    return answer.refused ? MISSING : answer;
  }
  if (name === "state" || name === "text") {
    const at = given.at || String(recorded.newest);
    const answer = found(name, { ...given, at: sameAs(at) });
    const about = recorded.states.find((one) => String(one.event) === at);
    return about && answer.members ? { ...answer, event: about.event, type: about.type } : answer;
  }
  return found(name, given);
}

/** Whether the file has an answer. */
export function isRecorded(name, asked) {
  return !recordedAnswer(name, asked).refused;
}

/** Whether the state at an event can be shown. */
export function hasEvent(event) {
  return !recorded || recorded.states.some((one) => one.event === event);
}

/** Whether the differences of two events can be shown. */
export function hasPair(before, after) {
  return !recorded || recorded.pairs.some(([one, two]) => one === before && two === after);
}
