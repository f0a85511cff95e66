/* The page of all experiments: one state, kept in the address; render() draws everything from it. */

// ---- the state, as the address says
const START = {
  q: "",
  status: "",
  tag: "",
  data: "",
  sort: "-id",
  columns: CHOSEN,
  marked: [],
  page: 1,
  metric: DATA.metric,
};
const SELECTS = [
  ["status", "status"],
  ["tag", "tag"],
  ["data-name", "data"],
  ["metric", "metric"],
];
let state = { ...START };

const known = (key, fallback) => (COLUMNS.has(key.replace(/^-/, "")) ? key : fallback);

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  state = { ...START };
  for (const name of ["q", "status", "tag", "data"]) state[name] = given.get(name) ?? "";
  state.sort = known(given.get("sort") ?? "", START.sort);
  state.page = Math.max(1, Number.parseInt(given.get("page") ?? "1", 10) || 1);
  state.marked = (given.get("marked") ?? "")
    .split(",")
    .map(Number)
    .filter((id) => ROW_OF.has(id));
  if (given.has("columns"))
    state.columns = [...COLUMNS.keys()].filter((key) => key === "name" || given.getAll("columns").includes(key));
  if (METRICS.some((column) => column.key === given.get("metric"))) state.metric = given.get("metric");
}

function writeAddress() {
  const told = new URLSearchParams();
  for (const name of ["q", "status", "tag", "data", "sort", "metric", "page"]) {
    if (state[name] !== START[name]) told.set(name, state[name]);
  }
  if (state.marked.length) told.set("marked", state.marked.join(","));
  if (state.columns.join("\n") !== CHOSEN.join("\n")) state.columns.forEach((key) => told.append("columns", key));
  const hash = told.toString();
  if (hash !== location.hash.slice(1))
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

function change(changes) {
  state = { ...state, q: byId("q").value, page: 1, ...changes };
  writeAddress();
  render();
}

// ---- controls
function offer(id, first, names, label = (name) => name) {
  byId(id).replaceChildren(
    ...(first ? [el("option", { value: "" }, first)] : []),
    ...names.map((name) => el("option", { value: name }, label(name))),
  );
  byId(id).closest(".field").hidden = (names.length < 2 && id !== "tag") || names.length === 0;
}

function choices() {
  const wanted = byId("find-column").value.toLowerCase();
  const found = DATA.columns
    .filter((column) => column.group !== "hidden" && column.key.toLowerCase().includes(wanted))
    .slice(0, 300);
  const group = (name, heading) => {
    const boxes = found.filter((column) => column.group === name).map(choice);
    return boxes.length ? el("fieldset", {}, el("legend", {}, heading), boxes) : null;
  };
  const groups = [group("experiment", "Experiment"), group("result", "Results"), group("setting", "Settings")];
  byId("choices").replaceChildren(...groups.filter(Boolean));
}

function choice(column) {
  const toggle = (event) => {
    const chosen = new Set(state.columns);
    chosen[event.target.checked ? "add" : "delete"](column.key);
    change({ columns: [...COLUMNS.keys()].filter((key) => chosen.has(key) || key === "name"), page: state.page });
  };
  const box = el("input", {
    type: "checkbox",
    value: column.key,
    checked: state.columns.includes(column.key),
    disabled: column.key === "name",
    onchange: toggle,
  });
  return el("label", {}, box, el("span", {}, column.group === "setting" ? column.key : title(column)));
}

/** Calls once the events have paused, for what costs more than a key stroke may. */
function afterPause(milliseconds, act) {
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(act, milliseconds);
  };
}

function listen() {
  byId("q").addEventListener(
    "input",
    afterPause(120, () => change({})),
  );
  for (const [id, name] of SELECTS) {
    byId(id).addEventListener("change", () => change({ [name]: byId(id).value }));
  }
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", () => {
    change({ ...START, marked: state.marked });
    choices();
  });
  byId("find-column").addEventListener("input", choices);
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    go("experiments");
  });
  window.addEventListener("hashchange", () => {
    readAddress();
    choices();
    render();
  });
  window.addEventListener("resize", afterPause(150, drawCharts));
}

function go(id) {
  byId(id).focus({ preventScroll: true });
  byId(id).scrollIntoView();
}

function drawControls(problem, count) {
  for (const [id, name] of [["q", "q"], ...SELECTS]) {
    if (byId(id).value !== (state[name] ?? "")) byId(id).value = state[name] ?? "";
  }
  byId("q").setAttribute("aria-invalid", problem ? "true" : "false");
  byId("q-problem").textContent = problem;
  const marked = state.marked.length ? `, ${state.marked.length} marked` : "";
  byId("count").textContent =
    `${count === DATA.count ? "All" : `${count.toLocaleString("en")} of`} ${plural(DATA.count, "experiment")}${marked}`;
}

// ---- all together
let current = ALL;

function drawCharts() {
  const metric = COLUMNS.get(state.metric);
  if (!metric) return;
  byId("charts").hidden = false;
  const rows = current.filter((row) => value(metric.key, row) !== null);
  drawTime(rows, metric);
  drawParallel(rows, metric);
}

function render() {
  const { rows, problem } = matching();
  current = rows;
  drawTable(rows);
  drawControls(problem, rows.length);
  drawMarked();
  drawCompare();
  drawCharts();
}

function begin() {
  byId("controls").hidden = false;
  offer("status", "any", levels("status").sort());
  offer("tag", "any", levels("tags").sort());
  offer("data-name", "all", levels("data"));
  offer(
    "metric",
    "",
    METRICS.map((column) => column.key),
  );
  readAddress();
  choices();
  listen();
  render();
}

begin();
