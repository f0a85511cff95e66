/* Charts of the experiments that the table shows. */

// ---- charts: scales
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const first = Math.ceil(low / step - 1e-9);
  const total = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: total }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

function days(low, high, count) {
  const steps = [60, 300, 900, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000, 31536000];
  const step = steps.find((one) => (high - low) / one <= count) ?? (high - low) / count;
  const shift = new Date(low * 1000).getTimezoneOffset() * 60;
  const first = Math.ceil((low - shift) / step) * step + shift;
  const label = (at) => (step < 86400 ? clock(at).slice(5) : clock(at).slice(0, 10));
  return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, i) => [
    first + i * step,
    label(first + i * step),
  ]);
}

const scale = (low, high, from, to) => (at) =>
  from + ((Math.min(Math.max(at, low), high) - low) / (high - low || 1)) * (to - from);
const spot = (x, y) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`;
const quantile = (ordered, share) => ordered[Math.round(share * (ordered.length - 1))];

/** The range of values without far outliers, which are drawn at its end. */
function extent(values) {
  const ordered = [...values].sort((a, b) => a - b);
  const spread = 4 * (quantile(ordered, 0.9) - quantile(ordered, 0.1)) || Infinity;
  const low = Math.max(ordered[0], quantile(ordered, 0.1) - spread);
  const high = Math.min(ordered.at(-1), quantile(ordered, 0.9) + spread);
  const pad = (high - low) * 0.05 || Math.abs(low) * 0.1 || 1;
  return { low: low - pad, high: high + pad, beyond: ordered.filter((one) => one < low || one > high).length };
}

function drawing(width, height, name, description, ...children) {
  return svg(
    "svg",
    {
      class: "chart",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `${name}. ${description}`,
    },
    svg("title", {}, name),
    svg("desc", {}, description),
    ...children,
  );
}

const write = (x, y, words, css = "") => svg("text", { x, y, class: css }, words);
const rule = (x1, y1, x2, y2, css) => svg("line", { x1, y1, x2, y2, class: css });

// ---- charts: the metric over time
function byData(rows) {
  const groups = new Map();
  for (const row of rows) {
    const name = value("data", row);
    groups.set(name, groups.get(name) ?? []).get(name).push(row);
  }
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}

function records(rows, metric) {
  const better = (one, other) => other === null || (metric.lower ? one < other : one > other);
  let best = null;
  return rows.filter((row) => {
    const improves = value("status", row) === "COMPLETED" && better(value(metric.key, row), best);
    if (improves) best = value(metric.key, row);
    return improves;
  });
}

function frame(width, height, left, x, y, xTicks, yTicks) {
  const across = yTicks.map((at) => [
    rule(left, y(at), width - 8, y(at), "grid"),
    write(left - 8, y(at) + 4, String(at), "end"),
  ]);
  const inside = (at, label) => Math.min(at, width - label.length * 3.8);
  return [...across.flat(), ...xTicks.map(([at, label]) => write(inside(x(at), label), height - 8, label, "mid"))];
}

function drawTime(rows, metric) {
  const timed = rows
    .filter((row) => value("started", row) !== null)
    .sort((a, b) => value("started", a) - value("started", b));
  if (!timed.length) return nothing("time", "No experiment shown has this metric.");
  const [width, height, left] = [Math.max(300, byId("time").clientWidth), 300, 64];
  const range = extent(timed.map((row) => value(metric.key, row)));
  const [first, last] = [value("started", timed[0]), value("started", timed.at(-1))];
  const x = first === last ? () => (left + width) / 2 : scale(first, last, left + 12, width - 20);
  const y = scale(range.low, range.high, height - 40, 12);
  const at = (row) => [x(value("started", row)), y(value(metric.key, row))];
  const groups = byData(timed).slice(0, COLOURS);
  const lines = groups.map(([, group], number) => bestLine(records(group, metric), number, at, width - 20));
  const dots = groups.map(([, group], number) =>
    svg("path", {
      class: `dots s${number} ${timed.length > 500 ? "small" : "big"}`,
      d: group.map((row) => spot(...at(row))).join(""),
    }),
  );
  const ring = svg("circle", { class: "ring", r: 7, cx: -20, cy: -20 });
  const marks = timed
    .filter((row) => state.marked.includes(value("id", row)))
    .map((row) => svg("circle", { class: "ring", r: 7, cx: at(row)[0], cy: at(row)[1] }));
  const axis = first === last ? [[first, clock(first)]] : days(first, last, Math.max(3, Math.floor(width / 110)));
  const parts = [
    ...frame(width, height, left, x, y, axis, ticks(range.low, range.high, 5)),
    ...lines,
    ...dots,
    ...marks,
    ring,
  ];
  const told = `${plural(timed.length, "experiment")} from ${clock(first)} to ${clock(last)}; the lines are the best so far on each data.`;
  const picture = drawing(width, height, `${title(metric)} over time`, told, ...parts);
  byId("time").replaceChildren(picture, legend(groups));
  const note = range.beyond
    ? ` ${plural(range.beyond, "value")} beyond the axis ${range.beyond === 1 ? "is" : "are"} drawn at its end.`
    : "";
  const caption =
    `Each dot is an experiment that is shown in the table; a line is the best completed so far on the same data. Look for when it last rose.${note}`.replace(
      "rose",
      metric.lower ? "fell" : "rose",
    );
  byId("time-caption").textContent = caption;
  follow(
    picture,
    ring,
    timed.map((row) => [...at(row), row]),
    metric,
    caption,
  );
  const improved = groups.flatMap(([name, group]) =>
    records(group, metric).map((row) => [clock(value("started", row)), name ?? MISSING, link(row), shown(metric, row)]),
  );
  byId("time-numbers").replaceChildren(
    table("Each time the best improved", ["started", "data", "experiment", title(metric)], improved.slice(-200)),
  );
}

function bestLine(best, number, at, end) {
  const steps = best.map((row, step) => {
    const [x, y] = at(row);
    return step ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return svg("path", { class: `line s${number} d${number % 4}`, d: best.length ? `${steps.join("")}H${end}` : "" });
}

function legend(groups) {
  return groups.length < 2
    ? ""
    : el(
        "ul",
        { class: "legend" },
        groups.map(([name, group], number) =>
          el("li", { class: `s${number}` }, `${name ?? "unknown data"} (${group.length.toLocaleString("en")})`),
        ),
      );
}

/** The pointer finds the nearest dot: its experiment is named below, a click marks it. The table does all this by keyboard. */
function follow(picture, ring, points, metric, caption) {
  const near = (event) => {
    const box = picture.getBoundingClientRect();
    const away = ([x, y]) => Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top));
    const best = points.reduce((one, other) => (away(other) < away(one) ? other : one));
    return away(best) < 24 ? best : null;
  };
  const show = (found) => {
    ring.setAttribute("cx", found ? found[0] : -20);
    ring.setAttribute("cy", found ? found[1] : -20);
    byId("time-caption").textContent = found
      ? `${named(found[2])}: ${title(metric)} ${shown(metric, found[2])}, ${clock(value("started", found[2]))}`
      : caption;
  };
  picture.addEventListener("pointermove", (event) => show(near(event)));
  picture.addEventListener("pointerleave", () => show(null));
  picture.addEventListener("click", (event) => {
    const found = near(event);
    if (found) mark(value("id", found[2]));
  });
}

function nothing(id, words) {
  byId(id).replaceChildren(el("p", { class: "quiet" }, words));
  byId(`${id}-caption`).textContent = "";
  byId(`${id}-numbers`).replaceChildren();
}

// ---- charts: parallel coordinates
const short = (column, level) => {
  const words = column.kind === "type" ? lastName(level) : String(level);
  return words.length > 18 ? `${words.slice(0, 17)}…` : words;
};

/** An axis of levels (texts, few numbers), or a linear or logarithmic one; what lacks the setting is at its foot. */
function axisOf(column, rows, top, foot) {
  const found = rows.map((row) => value(column.key, row)).filter((one) => one !== null);
  const distinct = [...new Set(found)].sort(compareValues);
  const lacking = found.length < rows.length;
  const bottom = lacking ? foot - 24 : foot;
  const numeric = distinct.every((one) => typeof one === "number");
  const levelled = !numeric || (distinct.length <= 8 && column.group === "setting");
  const scaled = levelled ? levelAxis(column, distinct, top, bottom) : numberAxis(distinct, top, bottom);
  const at = (row) => {
    const one = value(column.key, row);
    return one === null ? foot : scaled.at(one);
  };
  const labels = lacking ? [...scaled.labels, [foot, MISSING]] : scaled.labels;
  return { column, at, labels, levelled, distinct, top, bottom };
}

function levelAxis(column, distinct, top, bottom) {
  const place = new Map(
    distinct.map((level, at) => [
      level,
      distinct.length > 1 ? bottom - (at * (bottom - top)) / (distinct.length - 1) : (top + bottom) / 2,
    ]),
  );
  const every = Math.ceil(distinct.length / 14);
  const labels = distinct.filter((_, at) => at % every === 0).map((level) => [place.get(level), short(column, level)]);
  return { at: (one) => place.get(one), labels };
}

function numberAxis(distinct, top, bottom) {
  const [low, high] = [distinct[0], distinct.at(-1)];
  if (low > 0 && high / low > 100) {
    const along = scale(Math.log10(low), Math.log10(high), bottom, top);
    return {
      at: (one) => along(Math.log10(one)),
      labels: ticks(Math.ceil(Math.log10(low)), Math.floor(Math.log10(high)), 5)
        .filter(Number.isInteger)
        .map((power) => [along(power), String(Number((10 ** power).toPrecision(3)))]),
    };
  }
  const { low: first, high: last } = extent(distinct);
  const along = scale(first, last, bottom, top);
  return { at: along, labels: ticks(first, last, 5).map((tick) => [along(tick), String(tick)]) };
}

/** The best half of what may be drawn, and an even sample of the others, the worst first so that the best lie on top. */
function drawn(rows, metric) {
  const sign = metric.lower ? -1 : 1;
  const ordered = [...rows].sort((a, b) => sign * (value(metric.key, a) - value(metric.key, b)));
  const [rest, best] = [ordered.slice(0, -LINES / 2), ordered.slice(-LINES / 2)];
  const every = Math.max(1, Math.ceil(rest.length / (LINES / 2)));
  return {
    lines: [...rest.filter((_, at) => at % every === 0), ...best],
    tenth: new Set(ordered.slice(-Math.ceil(ordered.length / 10))),
  };
}

function drawParallel(rows, metric) {
  const several = (column) => new Set(rows.map((row) => value(column.key, row))).size > 1;
  const settings = visible()
    .filter((column) => column.group === "setting" && several(column))
    .slice(0, 9);
  if (!rows.length || !settings.length)
    return nothing("parallel", "No setting among the columns differs between the experiments shown.");
  const columns = [...settings, metric];
  const [height, top, foot] = [360, 56, 330];
  const width = Math.max(byId("parallel").clientWidth, columns.length * 130);
  const axes = columns.map((column) => axisOf(column, rows, top, foot));
  const x = (number) => 16 + (number * (width - 90)) / (axes.length - 1);
  const { lines, tenth } = drawn(rows, metric);
  const jitter = (row, axis) => (axis.levelled && value(axis.column.key, row) !== null ? ((row * 7) % 11) - 5 : 0);
  const path = (row) =>
    axes
      .map(
        (axis, number) =>
          `${number ? "L" : "M"}${x(number).toFixed(1)} ${(axis.at(row) + jitter(row, axis)).toFixed(1)}`,
      )
      .join("");
  const bundle = (css, chosen) => svg("path", { class: css, d: lines.filter(chosen).map(path).join("") });
  const marked = (row) => state.marked.includes(value("id", row));
  const strands = [
    bundle("strand", (row) => !tenth.has(row)),
    bundle("strand best", (row) => tenth.has(row)),
    svg("path", { class: "strand on", d: rows.filter(marked).map(path).join("") }),
  ];
  const heads = axes
    .map(({ column }, number) => [
      write(x(number), 16, column.over, "over"),
      write(x(number), 34, column.label, "name"),
    ])
    .flat();
  const rules = axes.map((_, number) => rule(x(number), top - 8, x(number), foot + 8, "axis"));
  const labels = axes.flatMap((axis, number) =>
    axis.labels.map(([y, words]) => write(x(number) + 8, y + 4, words, "value halo")),
  );
  const told = `${plural(lines.length, "experiment")}, a line each, through ${columns.map(title).join(", ")}.`;
  byId("parallel").replaceChildren(
    drawing(width, height, `Settings against ${title(metric)}`, told, ...strands, ...rules, ...labels, ...heads),
  );
  const sample =
    lines.length < rows.length
      ? ` Drawn are the best ${LINES / 2} of ${plural(rows.length, "experiment")} and an even sample of the others.`
      : "";
  const mixed =
    byData(rows).length > 1
      ? " These were measured on different data: choose one above to compare like with like."
      : "";
  byId("parallel-caption").textContent =
    `Each line is an experiment, the best tenth in colour, marked ones dashed. Look for values that only the coloured lines pass. The axes are the settings chosen as columns.${sample}${mixed}`;
  byId("parallel-numbers").replaceChildren(
    table(
      "What each value reached",
      ["setting", "value", "experiments", "best", "median"],
      reached(axes.slice(0, -1), rows, metric),
    ),
  );
}

function reached(axes, rows, metric) {
  return axes.flatMap(({ column, levelled, distinct }) => {
    const groups = levelled
      ? distinct.slice(0, 30).map((level) => [short(column, level), (one) => one === level])
      : quarters(distinct);
    return groups
      .map(([name, holds]) => {
        const found = rows
          .filter((row) => value(column.key, row) !== null && holds(value(column.key, row)))
          .map((row) => value(metric.key, row))
          .sort((a, b) => a - b);
        return found.length
          ? [
              title(column),
              name,
              String(found.length),
              figure(metric.lower ? found[0] : found.at(-1)),
              figure(quantile(found, 0.5)),
            ]
          : null;
      })
      .filter(Boolean);
  });
}

function quarters(distinct) {
  const edges = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(distinct, share));
  return edges
    .slice(1)
    .map((edge, at) => [`${edges[at]} to ${edge}`, (one) => one >= edges[at] && (one < edge || at === 3)]);
}
