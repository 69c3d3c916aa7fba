"use strict";
// The table of a study's runs: one row each with a sparkline, sorted by any column, filtered by any setting.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const { element, number, percent, byId } = lab.words;
  const WIDE = 110, TALL = 28, SVG = "http://www.w3.org/2000/svg";
  const FIGURES = { // name in metrics.json -> heading and words
    auroc_direction: ["AUROC up or down", (value) => number(value, 3)],
    accuracy: ["accuracy", (value) => percent(value)],
    sharpe_net_annual: ["Annualised Sharpe", (value) => number(value, 2)],
    return_net_pct: ["return after fees", (value) => percent(value / 100)],
    max_drawdown_pct: ["largest drawdown", (value) => percent(value / 100)],
    trades: ["trades", (value) => number(value, 0)],
  };

  function drawn(name, attributes, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** The equity of a run as a small line, beside the level it began at. */
  function sparkline(equity, words) {
    const low = Math.min(1, ...equity), high = Math.max(1, ...equity), span = high - low || 1;
    const x = (i) => (i / Math.max(1, equity.length - 1) * (WIDE - 4) + 2).toFixed(1), y = (value) => (TALL - 3 - (value - low) / span * (TALL - 6)).toFixed(1);
    const path = Array.from(equity, (value, i) => `${i ? "L" : "M"}${x(i)} ${y(value)}`).join("");
    return drawn("svg", { width: WIDE, height: TALL, viewBox: `0 0 ${WIDE} ${TALL}`, role: "img", "aria-label": words, class: "spark" },
      drawn("line", { x1: 0, x2: WIDE, y1: y(1), y2: y(1), class: "zero" }), drawn("path", { d: path, class: "line model" }));
  }

  class Table {
    /** choose(place, run) is called with 0 or 1 and the number of a run. */
    constructor(facts, columns, choose) {
      this.facts = facts; this.columns = columns; this.choose = choose;
      this.key = facts.runs.some((run) => run.figures.sharpe_net_annual !== undefined) ? "sharpe_net_annual" : "auroc_direction";
      this.falling = true;
      this.kept = new Map();
      this.figures = Object.keys(FIGURES).filter((name) => facts.runs.some((run) => run.figures[name] !== undefined));
      this.head();
      this.filters();
      this.draw();
    }

    head() {
      const heading = (key, words) => element("th", { scope: "col", "data-key": key }, element("button", { type: "button", onclick: () => this.sortBy(key) }, words));
      byId("runs-head").replaceChildren(heading("model", "run"), element("th", { scope: "col" }, "first"), element("th", { scope: "col" }, "second"),
        element("th", { scope: "col" }, "equity"), ...this.figures.map((name) => heading(name, FIGURES[name][0])),
        element("th", { scope: "col" }, "verdict"), ...this.facts.keys.map((key) => heading(key, key)));
    }

    /** One list of values for each setting in which the runs differ. */
    filters() {
      byId("filters").replaceChildren(...this.facts.keys.map((key, k) => {
        const values = [...new Set(this.facts.runs.map((run) => run.settings[key] ?? ""))].sort((a, b) => a - b || a.localeCompare(b));
        const list = element("select", { id: `filter-${k}`, onchange: () => this.keep(key, list.value) }, element("option", { value: "" }, "any"),
          ...values.map((value, v) => element("option", { value: `=${v}` }, value || "–")));
        this.kept.set(key, { values, value: null });
        return element("span", {}, element("label", { for: `filter-${k}` }, key), " ", list);
      }));
      byId("search").addEventListener("input", () => this.draw());
    }

    keep(key, chosen) {
      const filter = this.kept.get(key);
      filter.value = chosen ? filter.values[Number(chosen.slice(1))] : null;
      this.draw();
    }

    sortBy(key) {
      this.falling = this.key === key ? !this.falling : key in FIGURES;
      this.key = key;
      this.draw();
    }

    get shown() {
      const words = byId("search").value.trim().toLowerCase(), told = (run) => [run.name, run.model, run.data, ...Object.values(run.settings)].join(" ").toLowerCase();
      const fits = (run) => told(run).includes(words) && [...this.kept].every(([key, { value }]) => value === null || (run.settings[key] ?? "") === value);
      const of = (run) => this.key in FIGURES ? run.figures[this.key] ?? NaN : this.key === "model" ? `${run.model} ${run.data}` : run.settings[this.key] ?? "";
      const less = (a, b) => typeof a === "number" ? (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b) : (a - b || a.localeCompare(b));
      return this.facts.runs.map((run, i) => i).filter((i) => fits(this.facts.runs[i]))
        .sort((i, j) => (this.falling ? -1 : 1) * less(of(this.facts.runs[i]), of(this.facts.runs[j])) || i - j);
    }

    draw() {
      const shown = this.shown;
      byId("runs-body").replaceChildren(...shown.map((i) => this.row(i)));
      byId("runs-note").textContent = `${shown.length} of ${this.facts.runs.length} runs`;
      for (const head of byId("runs-head").children)
        if (head.dataset.key) head.setAttribute("aria-sort", head.dataset.key !== this.key ? "none" : this.falling ? "descending" : "ascending");
    }

    row(i) {
      const run = this.facts.runs[i], equity = this.columns[`equity_${i}`];
      const pick = (place) => element("td", {}, element("input", { type: "radio", name: place ? "second" : "first", "aria-label": `${run.model} as the ${place ? "second" : "first"}`,
        checked: this.chosen && this.chosen[place] === i, disabled: !equity, onchange: () => this.choose(place, i) }));
      return element("tr", {}, element("th", { scope: "row" }, element("a", { href: `${encodeURIComponent(run.name)}/report.html` }, run.model), element("small", {}, run.data || run.name)),
        pick(0), pick(1), element("td", {}, equity ? sparkline(equity, `equity of ${run.model}`) : "–"),
        ...this.figures.map((name) => element("td", {}, run.figures[name] === undefined ? "–" : FIGURES[name][1](run.figures[name]))),
        element("td", { class: "words" }, run.verdict), ...this.facts.keys.map((key) => element("td", {}, run.settings[key] ?? "–")));
    }
  }

  lab.Table = Table;
})(window);
