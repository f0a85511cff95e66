/* Elements, the table, and the marked experiments side by side. All text enters the page as text, never as HTML. */

// ---- elements
function fill(node, attributes, children) {
  for (const [name, given] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), given);
    else if (given === true) node.setAttribute(name, "");
    else if (given !== false && given != null) node.setAttribute(name, given);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null));
  return node;
}
const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function link(row) {
  const href = address(row);
  return href ? el("a", { href }, String(value("name", row))) : String(value("name", row));
}

function table(caption, heads, rows) {
  const body = rows.map(([first, ...cells]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, first),
      cells.map((cell) => el("td", {}, cell)),
    ),
  );
  const head = el(
    "tr",
    {},
    heads.map((text) => el("th", { scope: "col" }, text)),
  );
  return el("table", {}, el("caption", { class: "hidden" }, caption), el("thead", {}, head), el("tbody", {}, body));
}

// ---- the table
const isNumber = (column) => NUMERIC.has(column.kind) && column.kind !== "time";
const visible = () => state.columns.map((key) => COLUMNS.get(key));

function header(column) {
  const [down, key] = [state.sort.startsWith("-"), state.sort.replace(/^-/, "")];
  const order = key !== column.key ? null : down ? "descending" : "ascending";
  const first =
    column.kind === "metric" ? (column.lower ? "" : "-") : ["id", "started"].includes(column.key) ? "-" : "";
  const next = order === null ? first + column.key : down ? column.key : `-${column.key}`;
  const arrow = el("span", { class: "arrow", "aria-hidden": "true" }, order === null ? "" : down ? "▼" : "▲");
  const over = column.over ? el("span", { class: "over" }, `${column.over} `) : null;
  const button = el(
    "button",
    { type: "button", "data-sort": column.key, onclick: () => sortBy(next, column.key) },
    over,
    column.label,
    arrow,
  );
  return el(
    "th",
    { scope: "col", "aria-sort": order, class: isNumber(column) ? "number" : column.key === "name" ? "name" : null },
    button,
  );
}

function sortBy(next, key) {
  change({ sort: next });
  document.querySelector(`[data-sort="${CSS.escape(key)}"]`)?.focus();
}

function bodyCell(column, row) {
  const written = shown(column, row);
  if (column.key === "name") return el("th", { scope: "row", class: "name" }, link(row));
  if (column.key === "status") return el("td", {}, el("span", { class: `status ${written.toLowerCase()}` }, written));
  const full = String(value(column.key, row) ?? "");
  return el(
    "td",
    { class: isNumber(column) ? "number" : null, title: full !== written && column.kind === "type" ? full : null },
    brief(written),
  );
}

function bodyRow(row) {
  const id = value("id", row);
  const marked = state.marked.includes(id);
  const box = el("input", {
    type: "checkbox",
    "aria-label": `Mark ${named(row)}`,
    "data-id": id,
    checked: marked,
    onchange: () => mark(id),
    onkeydown: (event) => event.key === "Enter" && state.marked.length > 1 && go("compare"),
  });
  return el(
    "tr",
    { class: marked ? "on" : null },
    el("td", { class: "pick" }, box),
    visible().map((column) => bodyCell(column, row)),
  );
}

function mark(id) {
  const marked = state.marked.includes(id) ? state.marked.filter((other) => other !== id) : [...state.marked, id];
  change({ marked, page: state.page });
  document.querySelector(`[data-id="${id}"]`)?.focus();
}

function drawTable(rows) {
  const last = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  state.page = Math.min(state.page, last);
  const page = rows.slice((state.page - 1) * PAGE_ROWS, state.page * PAGE_ROWS);
  const mark = el("th", { scope: "col", class: "pick" }, el("span", { class: "hidden" }, "Mark"));
  const none = el(
    "tr",
    {},
    el("td", { colspan: visible().length + 1, class: "none" }, "No experiment fits. Change the search, or reset it."),
  );
  const caption = el(
    "caption",
    { id: "table-caption", class: "hidden" },
    `Experiments, sorted by ${title(COLUMNS.get(state.sort.replace(/^-/, "")))}`,
  );
  const head = el("thead", {}, el("tr", {}, mark, visible().map(header)));
  byId("table").replaceChildren(caption, head, el("tbody", {}, page.length ? page.map(bodyRow) : none));
  byId("pager").hidden = last === 1;
  byId("page").textContent = `Page ${state.page} of ${last}`;
  byId("previous").disabled = state.page === 1;
  byId("next").disabled = state.page === last;
}

function turn(step) {
  change({ page: state.page + step });
  document.querySelector(".tall").scrollTop = 0;
  if (document.activeElement === document.body || document.activeElement.disabled)
    byId(step > 0 ? "previous" : "next").focus();
}

// ---- marked experiments, side by side
function drawMarked() {
  const chips = state.marked.slice(0, COLOURS).map((id) =>
    el(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-label": `Unmark ${named(ROW_OF.get(id))}`,
        onclick: () => {
          change({ marked: state.marked.filter((other) => other !== id), page: state.page });
          byId("to-compare")?.focus();
        },
      },
      brief(named(ROW_OF.get(id))),
      " ×",
    ),
  );
  const compare = el(
    "button",
    {
      type: "button",
      id: "to-compare",
      class: "main",
      disabled: state.marked.length < 2,
      onclick: () => go("compare"),
    },
    state.marked.length < 2 ? "Mark another to compare" : `Compare ${state.marked.length}`,
  );
  const clear = el(
    "button",
    {
      type: "button",
      onclick: () => {
        change({ marked: [], page: state.page });
        go("experiments");
      },
    },
    "Clear",
  );
  byId("marked").replaceChildren(el("div", { class: "chips" }, chips), compare, clear);
  byId("marked").hidden = !state.marked.length;
}

function basis(rows) {
  const same = (key) => value(key, rows[0]) !== null && new Set(rows.map((row) => value(key, row))).size === 1;
  if (!same("data")) return "They were not measured on the same data, so their metrics cannot be compared.";
  return same("folds")
    ? "Same data, same folds."
    : "Same data, different folds: part of a difference comes from the folds.";
}

function results(rows, comparable) {
  return METRICS.filter((column) => rows.some((row) => value(column.key, row) !== null)).map((column) => {
    const found = rows.map((row) => value(column.key, row)).filter((one) => one !== null);
    const best = column.lower ? Math.min(...found) : Math.max(...found);
    const top = (row) => comparable && found.length > 1 && value(column.key, row) === best;
    return [
      title(column),
      ...rows.map((row) =>
        top(row) ? el("strong", {}, shown(column, row), el("span", { class: "top" }, " best")) : shown(column, row),
      ),
    ];
  });
}

function drawCompare() {
  const rows = state.marked.map((id) => ROW_OF.get(id));
  byId("compare").hidden = rows.length < 2;
  if (rows.length < 2) return;
  const note = basis(rows);
  const parts = [
    ["Results", results(rows, note.startsWith("Same"))],
    ["Settings that differ", differing(rows, "setting", (column) => column.key)],
    ["Everything else that differs", differing(rows, "experiment", title)],
  ];
  byId("compare-note").textContent = parts[1][1].length ? note : `${note} Their settings are the same.`;
  byId("compare-table").replaceChildren(comparisonTable(rows, parts));
  byId("compare-command").textContent = `kedro experiment compare ${state.marked.join(" ")}`;
}

function differing(rows, group, label) {
  const several = (column) => new Set(rows.map((row) => JSON.stringify(value(column.key, row)))).size > 1;
  const told = (column) => column.group === group && !["id", "name"].includes(column.key) && several(column);
  return DATA.columns.filter(told).map((column) => [label(column), ...rows.map((row) => shown(column, row))]);
}

function comparisonTable(rows, parts) {
  const heads = rows.map((row) => el("th", { scope: "col" }, `${value("id", row)} `, link(row)));
  const bodies = parts
    .filter(([, lines]) => lines.length)
    .map(([heading, lines]) => {
      const group = el("tr", {}, el("th", { scope: "rowgroup", class: "part", colspan: rows.length + 1 }, heading));
      const cells = ([first, ...others]) => [
        el("th", { scope: "row" }, first),
        others.map((cell) => el("td", {}, cell)),
      ];
      return el(
        "tbody",
        {},
        group,
        lines.map((line) => el("tr", {}, cells(line))),
      );
    });
  const caption = el("caption", { class: "hidden" }, "The marked experiments side by side");
  return el("table", {}, caption, el("thead", {}, el("tr", {}, el("td"), heads)), bodies);
}
