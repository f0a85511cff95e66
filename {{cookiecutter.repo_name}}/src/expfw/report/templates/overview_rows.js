/* What the page holds, and which of it is wanted: searching, filtering, sorting. */

const PAGE_ROWS = 100;
const COLOURS = 8;
const LINES = 400;
const MISSING = "–";
const NUMERIC = new Set(["number", "metric", "seconds", "time"]);

// ---- what the page holds
const byId = (id) => document.getElementById(id);
const DATA = JSON.parse(byId("data").textContent);
const COLUMNS = new Map(DATA.columns.map((column) => [column.key, column]));
const CHOSEN = DATA.columns.filter((column) => column.shown).map((column) => column.key);
const ALL = Array.from({ length: DATA.count }, (_, row) => row);
const METRICS = DATA.columns.filter((column) => column.group === "result");
const ROW_OF = new Map(ALL.map((row) => [value("id", row), row]));

function value(key, row) {
  const column = COLUMNS.get(key);
  if (column.values) return column.values[row];
  const code = column.codes ? column.codes[row] : 0;
  return code < 0 ? null : column.levels[code];
}

function levels(key) {
  return [...new Set(ALL.map((row) => value(key, row)).flat())].filter((found) => found !== null);
}

const lastName = (path) => String(path).split(".").pop();
const brief = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

function figure(number) {
  const size = Math.abs(number);
  if ((size && size < 1e-3) || size >= 1e6) return Number(number.toPrecision(3)).toExponential();
  return number.toFixed(size < 10 ? 4 : size < 100 ? 3 : size < 1000 ? 2 : 1);
}

function clock(seconds) {
  const at = new Date(seconds * 1000);
  const two = (part) => String(part).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function duration(seconds) {
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function shown(column, row) {
  const found = value(column.key, row);
  if (found === null) return MISSING;
  if (column.kind === "metric")
    return figure(found) + (column.spread?.[row] != null ? ` ± ${Number(column.spread[row].toPrecision(2))}` : "");
  if (column.kind === "time") return clock(found);
  if (column.kind === "seconds") return duration(found);
  if (column.kind === "type") return lastName(found);
  return Array.isArray(found) ? found.join(", ") : String(found);
}

const title = (column) => (column.over ? `${column.over} ${column.label}` : column.label);
const named = (row) => `${value("id", row)} ${value("name", row)}`;
const address = (row) =>
  DATA.report[row] ? `${DATA.prefix}result_experiment_${value("id", row)}/report/index.html` : null;

// ---- searching and filtering
const SPAN = { m: 60, h: 3600, d: 86400, w: 604800 };
const COMPARED = {
  "=": (order) => order === 0,
  "!=": (order) => order !== 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
};
const WORDS = DATA.columns.filter(
  (column) => column.kind === "type" || (column.group === "experiment" && !NUMERIC.has(column.kind)),
);
const texts = [];

function text(row) {
  texts[row] ??= [value("id", row), ...WORDS.map((column) => value(column.key, row))].join("\n").toLowerCase();
  return texts[row];
}

/** Wildcards as in names of files: *, ? and […]. */
function pattern(glob) {
  const source = glob.replace(/\[(!?)([^\]]+)\]|[.+^${}()|[\]\\*?]/g, (found, not, letters) => {
    if (letters) return `[${not ? "^" : ""}${letters.replace(/[\\^[]/g, "\\$&")}]`;
    return { "*": ".*", "?": "." }[found] ?? `\\${found}`;
  });
  return new RegExp(`^${source}$`, "is");
}

function moment(given) {
  const span = /^(\d+(?:\.\d+)?)([mhdw])$/.exec(given);
  if (span) return DATA.written - span[1] * SPAN[span[2]];
  const at = Date.parse(given.length === 10 ? `${given}T00:00` : given) / 1000;
  if (Number.isNaN(at))
    throw new Error(`“${given}” is no time; valid are 30m, 12h, 7d, 2w, and dates such as 2026-05-01`);
  return at;
}

function nearest(key) {
  const wanted = key.toLowerCase();
  const near = [...COLUMNS.keys()].find(
    (name) => name.toLowerCase().includes(wanted) || wanted.includes(name.toLowerCase()),
  );
  return near ? `; did you mean ${near}?` : "; the columns are below “Columns”";
}

/** Whether a value fits: texts by =, != (with wildcards) and ~, numbers and times by their order as well. */
function comparison(column, operator, wanted) {
  const time = column.kind === "time";
  const limit = time ? moment(wanted) : Number(wanted);
  if (operator === "~") return (found) => String(found).toLowerCase().includes(wanted.toLowerCase());
  if (!["=", "!="].includes(operator) || time) {
    if (Number.isNaN(limit)) throw new Error(`${column.key} is compared with a number, not with “${wanted}”`);
    return (found) => typeof found === "number" && COMPARED[operator](found - limit);
  }
  const glob = pattern(wanted);
  const fits = (part) => glob.test(String(part)) || (column.kind === "type" && glob.test(lastName(part)));
  const equal = (found) => (typeof found === "number" && found === limit) || [found].flat().some(fits);
  return (found) => equal(found) === (operator === "=");
}

const LISTS = { tag: "tags", finding: "findings", parent: "parents" };
const BORDERS = { since: ">=", until: "<" };

function term(token) {
  const [, key, operator, wanted] = /^([^\s=!<>~:]+)(!=|>=|<=|=|>|<|~|:)(.*)$/s.exec(token) ?? [];
  if (key === undefined) return (row) => text(row).includes(token.toLowerCase());
  if (wanted === "") return () => true;
  if (operator === ":" && Object.hasOwn(LISTS, key)) return comparisonOf(LISTS[key], "=", wanted);
  if (operator === ":" && Object.hasOwn(BORDERS, key)) return comparisonOf("started", BORDERS[key], wanted);
  if (operator === ":") return (row) => text(row).includes(token.toLowerCase());
  const name = COLUMNS.has(key) ? key : key.replace(/^validation\./, "");
  if (!COLUMNS.has(name)) throw new Error(`There is no column “${key}”${nearest(key)}`);
  return comparisonOf(name, operator, wanted);
}

function comparisonOf(key, operator, wanted) {
  const holds = comparison(COLUMNS.get(key), operator, wanted);
  return (row) => (value(key, row) === null ? operator === "!=" : holds(value(key, row)));
}

function conditions() {
  const tokens = [...state.q.matchAll(/"([^"]*)"|\S+/g)].map((match) => match[1] ?? match[0]);
  const tests = tokens.map(term);
  if (state.status) tests.push((row) => value("status", row) === state.status);
  if (state.data) tests.push((row) => value("data", row) === state.data);
  if (state.tag) tests.push((row) => value("tags", row)?.includes(state.tag));
  return tests;
}

function compareValues(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function sorted(rows) {
  const key = state.sort.replace(/^-/, "");
  const sign = state.sort.startsWith("-") ? -1 : 1;
  const keyed = rows.map((row) => [value(key, row), row]);
  const order = ([a, i], [b, j]) =>
    (a === null) - (b === null) || (a === null ? 0 : sign * compareValues(a, b)) || j - i;
  return keyed.sort(order).map(([, row]) => row);
}

function matching() {
  try {
    const tests = conditions();
    return { rows: sorted(ALL.filter((row) => tests.every((test) => test(row)))), problem: "" };
  } catch (problem) {
    return { rows: sorted(ALL), problem: problem.message };
  }
}
