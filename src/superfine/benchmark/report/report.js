"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // ---- colours -------------------------------------------------------------------------------
  const root = document.documentElement;
  const theme = $("#theme");
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const showTheme = () => theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  showTheme();
  // Paper cannot be unfolded.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = $$("details:not([open])");
    unfolded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => unfolded.forEach((part) => { part.open = false; }));

  // ---- tables --------------------------------------------------------------------------------
  const textOf = (cell) => cell.dataset.value ?? cell.textContent.trim();
  const numberOf = (text) => {
    const plain = text.replace("\u2212", "-").replace("\u221e", "Infinity");
    return plain === "" || plain === "\u2013" ? NaN : Number(plain);
  };
  const compare = (a, b) => {
    if (a.text === b.text) return 0;
    const numbers = !Number.isNaN(a.number) && !Number.isNaN(b.number);
    return numbers ? a.number - b.number : a.text.localeCompare(b.text, "en", { numeric: true });
  };
  const isEmpty = (key) => key.text === "" || key.text === "\u2013";

  function sortBy(table, heading) {
    const column = [...heading.parentElement.children].indexOf(heading);
    // What one looks for first is the best number, but the first name.
    const usual = heading.classList.contains("number") ? "descending" : "ascending";
    const other = usual === "ascending" ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === usual ? other : usual;
    $$("th[aria-sort]", table.tHead).forEach((th) => th.setAttribute("aria-sort", "none"));
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows].map((row) => {
      const text = textOf(row.cells[column]);
      return { row, text, number: numberOf(text) };
    });
    rows.sort((a, b) => isEmpty(a) - isEmpty(b) || sign * compare(a, b));
    table.tBodies[0].append(...rows.map(({ row }) => row));
  }
  for (const table of $$("table.sortable")) {
    for (const heading of $$("th[aria-sort]", table.tHead)) {
      $("button", heading).addEventListener("click", () => sortBy(table, heading));
    }
  }

  const inLatex = (text) => {
    const marks = {
      "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
      "\u2212": "$-$", "\u00d7": "$\\times$", "\u221e": "$\\infty$", "\u2013": "--",
      "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", "\"": "\\textquotedbl{}",
    };
    return text.replace(/[\\~^\u2212\u00d7\u221e\u2013<>|"]|[#$%&_{}]/g, (c) => marks[c] ?? `\\${c}`);
  };
  const formats = {
    latex(head, body, isNumber) {
      const line = (cells) => `${cells.map(inLatex).join(" & ")} \\\\`;
      const columns = isNumber.map((number) => (number ? "r" : "l")).join("");
      return [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}",
        `\\begin{tabular}{${columns}}`, "\\toprule", line(head), "\\midrule",
        ...body.map(line), "\\bottomrule", "\\end{tabular}",
      ].join("\n");
    },
    markdown(head, body, isNumber) {
      const line = (cells) =>
        `| ${cells.map((cell) => cell.replace(/[\\`*_[\]<>|]/g, "\\$&")).join(" | ")} |`;
      return [line(head), `|${isNumber.map((n) => (n ? "---:|" : "---|")).join("")}`, ...body.map(line)].join("\n");
    },
    csv(head, body) {
      const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text);
      const line = (cells) => cells.map((text) => cell(text.replace(/^\u2212/, "-"))).join(",");
      return [head, ...body].map(line).join("\r\n");
    },
  };
  async function copy(format) {
    const table = $("#score-table");
    const headings = [...table.tHead.rows[0].cells];
    const lines = [...table.tBodies[0].rows].map((row) => [...row.cells].map((c) => textOf(c).replace(/\s+/g, " ")));
    const isNumber = headings.map((th) => th.classList.contains("number"));
    const text = formats[format](headings.map((th) => th.dataset.copy), lines, isNumber);
    const area = $("#copy-text");
    $("#copied").textContent = "";
    area.hidden = false;
    area.value = text;
    area.select();
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      done = document.execCommand("copy");
    }
    $("#copied").textContent = done ? "Copied." : "Copy it from below.";
  }
  for (const button of $$("[data-format]")) {
    button.addEventListener("click", () => copy(button.dataset.format));
  }

  // ---- quality against cost ------------------------------------------------------------------
  const { axes, points, quality, digits, higher } = JSON.parse($("#plot-data").textContent);
  const plot = $("#plot");
  const choose = { group: $("#plot-group"), axis: $("#plot-axis"), log: $("#plot-log"), published: $("#plot-published") };
  const SVG = "http://www.w3.org/2000/svg";
  const draw = (parent, name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return parent.appendChild(element);
  };
  const element = (parent, name, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return parent.appendChild(made);
  };

  function amount(value, unit) {
    if (value === 0) return "0";
    const steps = unit === "s"
      ? [[1e-6, "\u00b5s"], [1e-3, "ms"], [1, "s"]]
      : [[1, unit], [1e3, `k${unit}`], [1e6, `M${unit}`], [1e9, `G${unit}`], [1e12, `T${unit}`]];
    const [size, name] = steps.findLast(([least]) => value >= least * 0.9995) ?? steps[0];
    return `${Number((value / size).toPrecision(3))} ${name}`.trim();
  }

  function ticksOf(low, high, log) {
    if (!log) {
      const rough = (high - low) / 5;
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
      const count = Math.floor(high / step) - Math.ceil(low / step) + 1;
      return Array.from({ length: Math.max(0, count) }, (_, i) => (Math.ceil(low / step) + i) * step);
    }
    const decades = Math.log10(high / low);
    const parts = decades > 3 ? [1] : decades > 1 ? [1, 3] : [1, 2, 3, 5, 7];
    const found = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
      for (const part of parts) found.push(part * 10 ** e);
    }
    return found.filter((tick) => tick >= low && tick <= high);
  }

  function chosen() {
    const axis = axes.find((a) => a.name === choose.axis.value);
    const inGroup = points.filter((p) => p.group === choose.group.value && (choose.published.checked || !p.source));
    return { axis, seen: inGroup.filter((p) => axis.name in p.costs), unseen: inGroup.filter((p) => !(axis.name in p.costs)) };
  }

  function frontOf(seen, axis) {
    const worth = (p) => (higher ? p.quality : -p.quality);
    const byCost = [...seen].sort((a, b) => a.costs[axis.name] - b.costs[axis.name] || worth(b) - worth(a));
    let best = -Infinity;
    return byCost.filter((p) => worth(p) > best && ((best = worth(p)), true));
  }

  function drawPlot() {
    const { axis, seen, unseen } = chosen();
    plot.replaceChildren();
    const missing = [...new Set(unseen.map((p) => p.model))].join(", ");
    $("#plot-note").textContent = axis.about + (missing ? ` Not known for: ${missing}.` : "");
    drawTable();
    if (!seen.length) {
      element(plot, "p", "Nothing is known of this cost.");
      return;
    }
    const width = Math.max(300, plot.clientWidth);
    const height = width < 560 ? 320 : 420;
    const frame = { left: 56, right: width - 20, top: 24, bottom: height - 48 };
    const svg = draw(plot, "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": `${quality} against ${axis.title.toLowerCase()}` });
    const log = choose.log.checked;
    const costs = seen.map((p) => p.costs[axis.name]);
    const positive = costs.filter((c) => c > 0);
    // Zero has no place on a logarithmic axis; it gets one of its own at the left.
    const zero = log && positive.length < costs.length;
    const start = frame.left + (zero ? 40 : 0);
    let low = log ? Math.min(...positive, Infinity) / 1.6 : 0;
    let high = Math.max(...costs) * (log ? 1.6 : 1.08);
    if (!positive.length) [low, high] = [log ? 1 : 0, 10];
    const along = (c) => (log ? Math.log(c / low) / Math.log(high / low) : (c - low) / (high - low));
    const x = (c) => (log && c === 0 ? frame.left + 14 : start + along(c) * (frame.right - start));
    const values = seen.map((p) => p.quality);
    const margin = Math.max(0.02, (Math.max(...values) - Math.min(...values)) * 0.12);
    const floor = Math.min(...values) - margin;
    const roof = Math.max(...values) + margin;
    const y = (v) => frame.bottom - ((v - floor) / (roof - floor)) * (frame.bottom - frame.top);

    for (const tick of ticksOf(floor, roof, false)) {
      draw(svg, "line", { class: "grid", x1: frame.left, x2: frame.right, y1: y(tick), y2: y(tick) });
      draw(svg, "text", { x: frame.left - 8, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(roof - floor < 0.5 ? digits : Math.min(digits, 1)));
    }
    const room = width < 560 ? 60 : 44;
    let last = zero ? x(0) : -Infinity;
    if (zero) draw(svg, "text", { x: x(0), y: frame.bottom + 18, "text-anchor": "middle" }, "0");
    for (const tick of ticksOf(low, high, log)) {
      draw(svg, "line", { class: "grid", x1: x(tick), x2: x(tick), y1: frame.top, y2: frame.bottom });
      if (x(tick) - last < room || x(tick) > width - 24) continue;
      last = x(tick);
      draw(svg, "text", { x: x(tick), y: frame.bottom + 18, "text-anchor": "middle" }, amount(tick, axis.unit));
    }
    draw(svg, "text", { x: 8, y: 15 }, quality);
    draw(svg, "text", { x: frame.right, y: height - 10, "text-anchor": "end" }, `${axis.title}${log ? " (logarithmic)" : ""} \u2192`);

    const front = frontOf(seen, axis);
    const steps = front.map((p, i) => (i ? `H${x(p.costs[axis.name])}V${y(p.quality)}` : `M${x(p.costs[axis.name])} ${y(p.quality)}`));
    draw(svg, "path", { class: "front", d: `${steps.join("")}H${frame.right}` });
    drawPoints(svg, seen, axis, x, y, frame);
  }

  function drawPoints(svg, seen, axis, x, y, frame) {
    const tip = element(plot, "div");
    tip.className = "tip";
    tip.hidden = true;
    const show = (point, words) => {
      tip.textContent = words;
      tip.hidden = false;
      const left = x(point.costs[axis.name]);
      const limit = plot.clientWidth - tip.offsetWidth - 4;
      const above = y(point.quality) - tip.offsetHeight - 12;
      tip.style.left = `${Math.max(4, Math.min(left - tip.offsetWidth / 2, limit))}px`;
      tip.style.top = `${above < 0 ? y(point.quality) + 12 : above}px`;
    };
    // Measured points last: they lie on top.
    const inOrder = [...seen].sort((a, b) => Boolean(b.source) - Boolean(a.source) || a.costs[axis.name] - b.costs[axis.name]);
    const taken = [];
    const circles = inOrder.map((point) => {
      const at = { x: x(point.costs[axis.name]), y: y(point.quality) };
      const value = `${point.quality.toFixed(digits)}`;
      const from = point.source ? `published: ${point.source}` : "measured here";
      const words = `${point.model}: ${value}, ${amount(point.costs[axis.name], axis.unit)} (${from})`;
      const circle = draw(svg, "circle", {
        class: point.source ? "published" : "measured", cx: at.x, cy: at.y, r: point.source ? 5 : 7,
        role: "img", "aria-label": words, tabindex: -1,
      });
      circle.addEventListener("pointerenter", () => show(point, words));
      circle.addEventListener("focus", () => show(point, words));
      for (const gone of ["pointerleave", "blur"]) circle.addEventListener(gone, () => { tip.hidden = true; });
      return circle;
    });
    inOrder.forEach((point) => {
      if (!point.source) nameIt(svg, point.model, { x: x(point.costs[axis.name]), y: y(point.quality) }, frame, taken);
    });
    // One stop for the tabulator; arrows go from point to point, by cost.
    const byCost = [...circles].sort((a, b) => a.cx.baseVal.value - b.cx.baseVal.value);
    byCost[0].setAttribute("tabindex", 0);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const here = byCost.indexOf(document.activeElement);
      if (!step || here < 0) return;
      event.preventDefault();
      const next = byCost[Math.max(0, Math.min(byCost.length - 1, here + step))];
      byCost.forEach((circle) => circle.setAttribute("tabindex", circle === next ? 0 : -1));
      next.focus();
    });
  }

  function nameIt(svg, name, at, frame, taken) {
    const label = draw(svg, "text", { class: "name" }, name);
    const width = label.getComputedTextLength();
    const toLeft = at.x + 12 + width > frame.right + 12;
    const left = toLeft ? at.x - 10 - width : at.x + 10;
    let top = at.y - 6;
    const meets = (box) => left < box.left + box.width + 4 && box.left < left + width + 4 && Math.abs(top - box.top) < 15;
    while (taken.some(meets) && top > frame.top + 12) top -= 5;
    taken.push({ left, top, width });
    label.setAttribute("x", left);
    label.setAttribute("y", top);
  }

  function drawTable() {
    const table = $("#plot-table");
    table.replaceChildren();
    const head = element(element(table, "thead"), "tr");
    for (const title of ["Model", quality, ...axes.map((a) => a.title), "Figure"]) {
      const th = element(head, "th", title);
      th.scope = "col";
    }
    const body = element(table, "tbody");
    for (const point of points.filter((p) => p.group === choose.group.value)) {
      const row = element(body, "tr");
      element(row, "th", point.model).scope = "row";
      const cells = [point.quality.toFixed(digits), ...axes.map((a) => (a.name in point.costs ? amount(point.costs[a.name], a.unit) : "\u2013"))];
      for (const cell of cells) element(row, "td", cell).className = "number";
      element(row, "td", point.source || "measured here");
    }
  }

  for (const group of new Set(points.filter((p) => !p.source).map((p) => p.group))) {
    element(choose.group, "option", group).value = group;
  }
  for (const axis of axes) element(choose.axis, "option", axis.title).value = axis.name;
  for (const control of Object.values(choose)) control.addEventListener("change", drawPlot);
  let drawnFor = 0;
  new ResizeObserver(() => {
    if (plot.clientWidth !== drawnFor) {
      drawnFor = plot.clientWidth;
      drawPlot();
    }
  }).observe(plot);

  // ---- looking around in a crop --------------------------------------------------------------
  const dialog = $("#zoom");
  const panes = $("#panes");
  const eye = { x: 0, y: 0, side: 0, zoom: 4 };

  // The middle of what is seen: nothing beyond the rim, where there is anything else to see.
  function within(middle, length) {
    const half = length / 2;
    return length >= eye.side ? eye.side / 2 : Math.max(half, Math.min(eye.side - half, middle));
  }
  function place() {
    const seen = $("figure:not([hidden])", panes);
    eye.x = within(eye.x, seen.clientWidth / eye.zoom);
    eye.y = within(eye.y, seen.clientHeight / eye.zoom);
    for (const figure of $$("figure", panes)) {
      const image = $("img", figure);
      image.style.width = image.style.height = `${eye.side * eye.zoom}px`;
      const left = Math.round(figure.clientWidth / 2 - eye.x * eye.zoom);
      const top = Math.round(figure.clientHeight / 2 - eye.y * eye.zoom);
      image.style.transform = `translate(${left}px, ${top}px)`;
    }
    for (const button of $$("[data-zoom]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.zoom) === eye.zoom * 100));
    }
  }
  function zoomTo(zoom) {
    eye.zoom = Math.max(1, Math.min(8, zoom));
    place();
  }
  function showOnly(number) {
    $$("figure", panes).forEach((figure, i) => { figure.hidden = number > 0 && i !== number - 1; });
    place();
  }
  function open(scene, trigger) {
    $("#zoom-title").textContent = scene.dataset.title;
    panes.replaceChildren();
    $$(".crop", scene).forEach((crop, i) => {
      const figure = element(panes, "figure");
      const image = element(figure, "img");
      image.src = $("image", crop).getAttribute("href");
      image.alt = $("svg", crop).getAttribute("aria-label");
      image.draggable = false;
      const caption = element(figure, "figcaption");
      element(caption, "strong", `${i + 1} ${crop.dataset.title}`);
      element(caption, "span", crop.dataset.caption);
    });
    Object.assign(eye, { side: Number(scene.dataset.side), x: Number(scene.dataset.left), y: Number(scene.dataset.top), zoom: 4 });
    dialog.showModal();
    panes.focus();
    place();
    dialog.addEventListener("close", () => trigger.focus(), { once: true });
  }
  for (const crop of $$(".crop")) {
    crop.addEventListener("click", () => open(crop.closest(".scene"), crop));
  }
  for (const button of $$("[data-zoom]")) {
    button.addEventListener("click", () => zoomTo(Number(button.dataset.zoom) / 100));
  }
  $("#zoom-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move) {
      eye.x += (move[0] * 24) / eye.zoom;
      eye.y += (move[1] * 24) / eye.zoom;
      place();
    } else if (event.key === "+" || event.key === "=") zoomTo(eye.zoom * 2);
    else if (event.key === "-") zoomTo(eye.zoom / 2);
    else if (/^[0-9]$/.test(event.key) && Number(event.key) <= panes.children.length) showOnly(Number(event.key));
    else return;
    event.preventDefault();
  });
  let grip = null;
  panes.addEventListener("pointerdown", (event) => {
    grip = { x: event.clientX, y: event.clientY };
    panes.setPointerCapture(event.pointerId);
  });
  panes.addEventListener("pointermove", (event) => {
    if (!grip) return;
    eye.x -= (event.clientX - grip.x) / eye.zoom;
    eye.y -= (event.clientY - grip.y) / eye.zoom;
    grip = { x: event.clientX, y: event.clientY };
    place();
  });
  for (const end of ["pointerup", "pointercancel"]) panes.addEventListener(end, () => { grip = null; });
  panes.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(event.deltaY < 0 ? eye.zoom * 2 : eye.zoom / 2);
  }, { passive: false });
  addEventListener("resize", () => { if (dialog.open) place(); });
})();
