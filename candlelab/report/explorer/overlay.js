"use strict";
// Two runs on one price: candles, entries of both, what both held, and what both earned.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const { createSeriesMarkers, CandlestickSeries, LineSeries, LineType } = root.LightweightCharts;
  const { quiet, percent } = lab.stage, COLOURS = ["model", "second"], LETTERS = ["1", "2"];

  class Overlay {
    constructor(element, facts, columns) {
      this.facts = facts; this.columns = columns; this.runs = [null, null]; this.market = null;
      this.chart = lab.stage.chartIn(element);
      const line = (pane, options) => this.chart.addSeries(LineSeries, { ...quiet, lineWidth: 2, ...options }, pane);
      this.candles = this.chart.addSeries(CandlestickSeries, { ...quiet, borderVisible: false }, 0);
      this.markers = createSeriesMarkers(this.candles, [], { autoScale: false });
      this.equity = [0, 1].map(() => line(1, { priceFormat: percent }));
      this.held = [0, 1].map(() => line(2, { lineType: LineType.WithSteps, lineWidth: 1, priceFormat: { type: "price", precision: 1, minMove: 0.1 } }));
      this.chart.panes().forEach((pane, i) => pane.setStretchFactor([5, 3, 1.2][i]));
      this.paint();
      lab.stage.onTheme(() => { this.paint(); this.show(...this.runs, this.symbol); });
    }

    paint() {
      const tone = this.tone = lab.stage.paint(this.chart);
      this.candles.applyOptions({ upColor: `${tone.soft}99`, downColor: `${tone.base}`, wickUpColor: `${tone.soft}99`, wickDownColor: tone.base });
      COLOURS.forEach((name, place) => [this.equity, this.held].forEach((lines) => lines[place].applyOptions({ color: tone[name] })));
    }

    /** The symbols whose price the first run stands on: {name, bars}; [] where the page holds none. */
    symbolsOf(run) {
      const { market } = this.facts.runs[run];
      return market === null ? [] : this.facts.markets[market];
    }

    show(first, second, symbol) {
      this.runs = [first, second];
      this.symbol = symbol;
      const price = this.symbolsOf(first)[symbol];
      if (price) this.price(price.bars); else this.candles.setData([]);
      this.last = price ? this.columns.time[price.bars[1] - 1] : Infinity;
      const name = price ? price.name : null;
      this.markers.setMarkers(this.runs.flatMap((run, place) => this.entries(run, place, name)).sort((a, b) => a.time - b.time));
      this.runs.forEach((run, place) => {
        this.equity[place].setData(this.curve(run));
        this.held[place].setData(this.positions(run, name));
      });
      this.chart.timeScale().fitContent();
    }

    price([from, to]) {
      const { candles, priceFormat } = lab.stage.barsOf(this.columns, from, to, this.tone);
      this.candles.applyOptions({ priceFormat });
      this.candles.setData(candles);
    }

    curve(run) {
      const time = this.columns[`at_${run}`], value = this.columns[`equity_${run}`];
      return Array.from(time, (at, i) => ({ time: at / 1000, value: 100 * (value[i] - 1) }));
    }

    /** Trades of a run on a symbol as {entry, exit, side}; times are those of bars. */
    trades(run, name) {
      const [entry, exit, side, symbol] = ["entry", "exit", "side", "of"].map((column) => this.columns[`${column}_${run}`]), names = this.facts.runs[run].symbols;
      return Array.from(entry, (at, i) => ({ entry: at, exit: exit[i], side: side[i], name: names[symbol[i]] })).filter((trade) => trade.name === name && trade.entry <= this.last);
    }

    entries(run, place, name) {
      if (name === null) return [];
      const trades = this.trades(run, name), few = trades.length < 150;
      return trades.map(({ entry, side }) => ({ time: (entry - this.facts.runs[run].bar_ms) / 1000, position: side > 0 ? "belowBar" : "aboveBar",
        shape: side > 0 ? "arrowUp" : "arrowDown", color: this.tone[COLOURS[place]], text: few ? LETTERS[place] : "" }));
    }

    positions(run, name) {
      return name === null ? [] : lab.stage.heldLine(this.trades(run, name), this.last);
    }
  }

  lab.Overlay = Overlay;
})(window);
