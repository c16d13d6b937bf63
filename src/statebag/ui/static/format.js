// Numbers, times, paths and text for people.

const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

/** Text with everything visible that would act on the text around it, or could not be seen. */
export function visible(text, lines = false) {
  return String(text).replace(HIDDEN, (found) => {
    if (lines && (found === "\n" || found === "\t")) return found;
    const code = found.codePointAt(0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

export function bytes(size) {
  if (size === null || size === undefined || size < 0) return "";
  if (size < 1000) return `${size} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = size;
  let unit = -1;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

export function count(number) {
  return number === null || number === undefined ? "" : number.toLocaleString("en-US");
}

export function plural(number, one, many = one + "s") {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return `${minutes} min ${whole % 60} s`;
}

export function moment(text) {
  return text ? text.replace("T", " ").replace(/(\.\d+)?(\+00:00|Z)$/, "") + " UTC" : "";
}

export function clock(text) {
  return text ? text.slice(11, 23).replace(/[+Z].*$/, "") : "";
}

export function ago(text) {
  const seconds = (Date.now() - Date.parse(text)) / 1000;
  if (!(seconds >= 0)) return "";
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  return seconds < 10 ? "just now" : `${Math.floor(seconds)} s ago`;
}

export function dollars(amount) {
  if (amount === null || amount === undefined) return "";
  if (amount === 0) return "$0";
  if (amount < 0.0001) return `$${amount.toPrecision(2)}`.replace(/e.*/, () => `${amount.toFixed(8).slice(1)}`);
  return amount < 1 ? `$${amount.toFixed(4)}` : `$${amount.toFixed(2)}`;
}

/** A path in the form that `statebag cat` takes, from its parts. */
export function pathText(parts) {
  return (
    "$" +
    parts
      .map((part) => {
        if (typeof part === "number") return `[${part}]`;
        if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(part)) return `.${part}`;
        const quoted = part
          .replace(/[\\']/g, (found) => "\\" + found)
          .replace(HIDDEN, (found) => {
            const code = found.codePointAt(0).toString(16);
            if (code.length > 4) return "\\U" + code.padStart(8, "0");
            return code.length > 2 ? "\\u" + code.padStart(4, "0") : "\\x" + code.padStart(2, "0");
          });
        return `['${quoted}']`;
      })
      .join("")
  );
}
