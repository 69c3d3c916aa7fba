"use strict";
// The explorer of a run: controls, keys and jumps around the chart, the panel and the trades.
(function (root) {
  const lab = root.candlelab;
  const { element, percent, number, byId } = lab.words;
  const LINES = { buy_and_hold: ["buy and hold", "hold"], majority: ["majority", "base"], last_direction: ["last direction", "third"], reversal: ["reversal", "second"],
    volatility: ["volatility only", "maybe"], logistic: ["logistic regression", "good"], gradient_boosting: ["gradient boosting", "bad"] };
  const NEAR = window.innerWidth < 720 ? 100 : 240; // bars shown at first

  class Explorer {
    constructor(run) {
      const { costs, threshold } = run.facts;
      this.run = run;
      this.symbol = 0;
      this.fee = costs.fee_bps;
      this.threshold = threshold;
      this.scope = -1;
      this.row = -1;
      this.jumps = new Map();
      this.view = new lab.View(byId("chart"), run);
      this.trades = new lab.Trades(run, (trade) => this.go(trade.first));
      this.controls();
      this.keys();
      this.view.show(0);
      this.rescore();
      this.line("buy_and_hold", true);
      this.view.newest(NEAR);
      this.legend(run.facts.symbols[0].bars[1] - 1);
    }

    // ---- controls
    controls() {
      const { facts } = this.run, picker = byId("symbol"), several = facts.symbols.length > 1;
      picker.replaceChildren(...facts.symbols.map(({ name }, i) => element("option", { value: i }, name)));
      picker.addEventListener("change", () => this.pick(Number(picker.value)));
      byId("symbol-box").hidden = byId("scope-box").hidden = !several;
      byId("scope").addEventListener("change", () => { this.scope = byId("scope").value === "all" ? -1 : this.symbol; this.rescore(); });
      this.slider("fee", 0, Math.max(30, 3 * this.fee), this.fee, (value) => { this.fee = Math.max(0, value); });
      const [low, high] = lab.scores.rangeOf(this.run);
      this.slider("threshold", low, high, this.threshold === null ? high : this.threshold, (value) => { this.threshold = value; });
      byId("threshold-dial").hidden = Boolean(this.run.columns.held_net);
      byId("reset").addEventListener("click", () => this.reset());
      this.lineBoxes();
      for (const [id, act] of Object.entries(this.actions())) byId(id).addEventListener("click", act);
      this.view.chart.subscribeClick(({ time }) => this.clicked(time));
      this.view.chart.subscribeCrosshairMove(({ time }) => this.legend(time === undefined ? -1 : this.view.barAt(time)));
    }

    /** A range and a number field that say the same. */
    slider(name, low, high, value, take) {
      const range = byId(name), field = byId(`${name}-number`);
      Object.assign(range, { min: low, max: high });
      const say = (from, to) => () => {
        if (from.value === "" || !Number.isFinite(Number(from.value))) return;
        to.value = from.value;
        take(Number(from.value));
        this.later();
      };
      range.addEventListener("input", say(range, field));
      field.addEventListener("input", say(field, range));
      range.value = field.value = value;
    }

    lineBoxes() {
      const names = ["buy_and_hold", ...this.run.facts.rules];
      byId("lines").append(...names.map((name) => {
        const [words, colour] = LINES[name], on = name === "buy_and_hold";
        const box = element("input", { type: "checkbox", id: `line-${name}`, checked: on, onchange: () => this.line(name, box.checked) });
        return element("label", { for: `line-${name}` }, box, element("i", { class: `key ${colour}` }), words);
      }));
    }

    actions() {
      return {
        best: () => this.jump("best"), worst: () => this.jump("worst"), mistake: () => this.jump("mistake"),
        previous: () => this.trade(-1), next: () => this.trade(1),
        near: () => this.view.newest(NEAR), all: () => this.view.newest(Infinity),
      };
    }

    keys() {
      const acts = this.actions(), step = (by) => () => this.step(by);
      const known = { b: acts.best, w: acts.worst, m: acts.mistake, "[": acts.previous, "]": acts.next, n: acts.near, a: acts.all,
        "+": () => this.view.zoom(0.7), "=": () => this.view.zoom(0.7), "-": () => this.view.zoom(1.4), Escape: () => this.forget() };
      byId("stage").addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const by = event.shiftKey ? 20 : 1, act = { ArrowLeft: step(-by), ArrowRight: step(by), Home: step(-Infinity), End: step(Infinity) }[event.key] || known[event.key];
        if (!act) return;
        event.preventDefault();
        act();
      });
    }

    // ---- scores
    later() {
      if (this.waiting) return;
      this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.rescore(); });
    }

    reset() {
      const { costs, threshold } = this.run.facts;
      this.fee = costs.fee_bps;
      this.threshold = threshold;
      for (const name of ["fee", "fee-number"]) byId(name).value = this.fee;
      for (const name of ["threshold", "threshold-number"]) byId(name).value = threshold === null ? byId("threshold").max : threshold;
      this.rescore();
    }

    rescore() {
      const { run, symbol, scope } = this;
      this.own = { ...lab.run.netOf(run, run.facts.symbols.length > 1 ? symbol : -1, this.fee, this.threshold), symbol };
      this.whole = run.facts.symbols.length > 1 ? lab.run.netOf(run, scope, this.fee, this.threshold) : this.own;
      this.view.threshold = this.threshold;
      const held = `${symbol} ${this.threshold}`;
      this.view.showMoney(this.own, this.whole, held !== this.held); // a fee moves no position
      this.held = held;
      this.view.showThreshold(this.threshold);
      for (const name of this.view.lines.keys()) this.line(name, true);
      this.trades.set(this.whole.trades);
      this.jumps.clear();
      this.figures();
      if (this.row >= 0) this.tell(run.columns.bar[this.row], this.row);
    }

    line(name, on) {
      this.view.showLine(name, on ? lab.run.ruleOf(this.run, this.scopeNow, this.fee, name) : null, LINES[name][1]);
    }

    get scopeNow() { return this.run.facts.symbols.length > 1 ? this.scope : -1; }

    figures() {
      const { facts } = this.run, now = lab.run.figuresOf(this.run, this.whole), held = lab.run.figuresOf(this.run, lab.run.ruleOf(this.run, this.scopeNow, this.fee, "buy_and_hold"));
      const told = [["return after fees", percent(now.return_net_pct / 100)], ["buy and hold", percent(held.return_net_pct / 100)],
        ["Annualised Sharpe", number(now.sharpe_net_annual, 2)], ["largest drawdown", percent(now.max_drawdown_pct / 100)], ["trades", number(now.trades, 0)],
        ["trades that gained", percent(now.win_rate)], ["in the market", percent(now.exposure)]];
      byId("figures").replaceChildren(...told.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
      const own = this.fee === facts.costs.fee_bps && this.threshold === facts.threshold;
      byId("as-scored").textContent = own ? this.asScored() : "Other than the run was scored with. Whoever moves these until the test rows look good has fitted them to the test rows.";
      byId("reset").disabled = own;
    }

    asScored() {
      const { facts } = this.run;
      if (facts.threshold === null) return `As the run was scored: nothing is traded (${facts.flat || "no threshold was chosen"}). Move the threshold to see what would have been.`;
      return `As the run was scored: ${number(facts.costs.fee_bps, 1)} bp per change of position, threshold ${number(facts.threshold, 4)} from validation.`;
    }

    // ---- moving about
    pick(symbol) {
      this.symbol = symbol;
      byId("symbol").value = symbol;
      if (this.scope >= 0) this.scope = symbol;
      this.forget();
      this.view.show(symbol);
      this.rescore();
      this.view.newest(NEAR);
    }

    clicked(time) {
      const bar = time === undefined ? -1 : this.view.barAt(time);
      if (bar < 0) return;
      this.row = lab.run.rowAt(this.run, bar);
      this.tell(bar, this.row);
    }

    tell(bar, row) {
      this.view.mark(bar);
      this.legend(bar);
      lab.panel.show(this.run, bar, row, this.own);
    }

    /** Show a row, of whatever symbol. */
    go(row) {
      const { symbols } = this.run.facts, symbol = symbols.findIndex(({ rows }) => row >= rows[0] && row < rows[1]);
      if (symbol !== this.symbol) this.pick(symbol);
      this.row = row;
      this.view.reveal(this.run.columns.bar[row]);
      this.tell(this.run.columns.bar[row], row);
    }

    step(by) {
      const [first, stop] = this.run.facts.symbols[this.symbol].rows, from = this.row < 0 ? stop - (by < 0 ? 0 : 1) : this.row + by;
      this.go(Math.max(first, Math.min(stop - 1, from)));
    }

    forget() {
      this.row = -1;
      this.view.mark(null);
      byId("panel-title").textContent = "One bar";
      byId("panel-body").replaceChildren(element("p", { class: "soft" }, "Click a bar, or go there with the keys, to see what the net saw of it and what came."));
    }

    trade(way) {
      const firsts = this.own.trades.map(({ first }) => first), at = this.row < 0 ? Infinity : this.row;
      const found = way > 0 ? firsts.find((first) => first > at) : firsts.filter((first) => first < at).pop();
      if (found !== undefined) this.go(found); else this.say("no further trade");
    }

    /** The next best or worst trade, or the next surest mistake. */
    jump(kind) {
      const ranked = this.ranked(kind);
      if (!ranked.length) return this.say(kind === "mistake" ? "no mistakes" : "no trades at this threshold");
      const at = ((this.jumps.get(kind) ?? -1) + 1) % ranked.length;
      this.jumps.set(kind, at);
      this.go(ranked[at]);
      this.say(`${{ best: "best trade", worst: "worst trade", mistake: "surest mistake" }[kind]} ${at + 1} of ${ranked.length}`);
    }

    ranked(kind) {
      const { columns } = this.run;
      if (kind !== "mistake") {
        const way = kind === "best" ? -1 : 1;
        return [...this.whole.trades].sort((a, b) => way * (a.net - b.net)).map(({ first }) => first);
      }
      if (!this.mistakes) {
        const rows = Array.from(columns.label.keys()).filter((row) => columns.label[row] >= 0 && columns.side[row] && lab.run.answer(this.run, row) !== columns.label[row]);
        this.mistakes = rows.sort((a, b) => columns.score[b] - columns.score[a]).slice(0, 100);
      }
      return this.mistakes;
    }

    say(words) { byId("status").textContent = words; }

    legend(bar) {
      if (bar < 0) return;
      const { columns } = this.run;
      const row = lab.run.rowAt(this.run, bar), digits = this.view.candles.options().priceFormat.precision;
      const prices = ["open", "high", "low", "close"].map((name) => `${name[0].toUpperCase()} ${number(columns[name][bar], digits)}`);
      const said = row < 0 ? [] : this.view.shownScores.map((line) => `${line.name} ${number(line.at(row), 3)}`);
      byId("legend").textContent = [lab.words.time(columns.time[bar]), ...prices, `V ${number(columns.volume[bar], 1)}`, ...said].join("  ");
    }
  }

  async function start() {
    const facts = JSON.parse(byId("facts").textContent);
    const columns = await lab.unpack.columns(facts.columns, byId("columns").textContent);
    lab.explorer = new Explorer(lab.run.runOf(facts, columns));
    document.documentElement.dataset.ready = "yes";
  }

  start();
})(window);
