"use strict";
// The list of trades: sorted by any column, a page at a time; a row leads to its bar.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const { element, percent, signed, number, time, byId } = lab.words;
  const MORE = 25;

  class Trades {
    /** open(trade) is called for the row that is chosen. */
    constructor(run, open) {
      this.run = run; this.open = open; this.shown = MORE; this.key = "net"; this.falling = true;
      const several = run.facts.symbols.length > 1;
      this.columns = [
        ...(several ? [{ key: "symbol", name: "symbol", of: (t) => t.symbol, words: (t) => run.facts.symbols[t.symbol].name }] : []),
        { key: "side", name: "side", of: (t) => t.side, words: (t) => t.side > 0 ? "long" : "short" },
        { key: "entry", name: "entry (close of)", of: (t) => t.entry, words: (t) => time(t.entry) },
        { key: "exit", name: "exit (close of)", of: (t) => t.exit, words: (t) => time(t.exit) },
        { key: "bars", name: "bars", of: (t) => t.bars, words: (t) => number(t.bars, 0) },
        { key: "gross", name: "before fees", of: (t) => t.gross, words: (t) => signed(t.gross) },
        { key: "fee", name: "fees", of: (t) => t.fee, words: (t) => percent(t.fee, 2) },
        { key: "net", name: "gain", of: (t) => t.net, words: (t) => signed(t.net) },
      ];
      byId("trades-head").replaceChildren(...this.columns.map((column) => element("th", { scope: "col", "data-key": column.key },
        element("button", { type: "button", onclick: () => this.sortBy(column.key) }, column.name))));
      byId("more").addEventListener("click", () => { this.shown += MORE; this.draw(); });
    }

    /** Trades of a score with the times of their bars and symbols. */
    set(trades) {
      const { bar, start } = this.run.columns, { bar_ms, symbols } = this.run.facts, clock = this.run.columns.time;
      this.all = trades.map((trade) => {
        const next = trade.last + 1, chained = next < bar.length && !start[next];
        const entry = clock[bar[trade.first]], exit = chained ? clock[bar[next]] : clock[bar[trade.last]] + bar_ms;
        const symbol = symbols.findIndex(({ rows }) => trade.first >= rows[0] && trade.first < rows[1]);
        return { ...trade, entry, exit, symbol, bars: Math.round((exit - entry) / bar_ms) };
      });
      this.draw();
    }

    sortBy(key) {
      this.falling = this.key === key ? !this.falling : key !== "entry";
      this.key = key;
      this.shown = MORE;
      this.draw();
    }

    draw() {
      const { of } = this.columns.find((column) => column.key === this.key), way = this.falling ? -1 : 1;
      const sorted = [...this.all].sort((a, b) => way * (of(a) - of(b)) || a.first - b.first);
      byId("trades-body").replaceChildren(...sorted.slice(0, this.shown).map((trade) => this.row(trade)));
      for (const head of byId("trades-head").children)
        head.setAttribute("aria-sort", head.dataset.key !== this.key ? "none" : this.falling ? "descending" : "ascending");
      byId("more").hidden = sorted.length <= this.shown;
      byId("trades-note").textContent = sorted.length ? `${number(sorted.length, 0)} trades; ${number(Math.min(this.shown, sorted.length), 0)} shown` : "Nothing is traded at this threshold.";
    }

    row(trade) {
      const cells = this.columns.map((column, k) => {
        const words = column.words(trade);
        if (k) return element("td", { class: column.key === "net" ? (trade.net < 0 ? "loss" : "gain") : null }, words);
        return element("th", { scope: "row" }, element("button", { type: "button", class: "link", onclick: () => this.open(trade), "aria-label": `${words}, entered ${time(trade.entry)}: show` }, words));
      });
      return element("tr", {}, ...cells);
    }
  }

  lab.Trades = Trades;
})(window);
