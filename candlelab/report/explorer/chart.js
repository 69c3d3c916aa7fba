"use strict";
// The panes of the explorer: candles with volume and positions, scores with the threshold, equity, drawdown.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const { createSeriesMarkers, CandlestickSeries, HistogramSeries, LineSeries, AreaSeries, LineStyle } = root.LightweightCharts;
  const { quiet, percent } = lab.stage;
  const PRICE = 0, SCORE = 1, EQUITY = 2, DRAWDOWN = 3, STRETCH = [5, 2, 2.4, 1.3];

  /** A scale that ends at 0 above, and is never without height. */
  const below = (own) => {
    const found = own();
    return found && { ...found, priceRange: { maxValue: 0, minValue: Math.min(-0.5, found.priceRange.minValue) } };
  };

  /** Bands and a line behind the candles: the window that the net saw, and the row that is looked at. */
  class Window {
    constructor() { this.span = null; this.colour = "#888888"; }
    attached({ chart, requestUpdate }) { this.chart = chart; this.update = requestUpdate; }
    show(span, colour) { this.span = span; this.colour = colour; if (this.update) this.update(); }
    paneViews() { return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.draw(target) }) }]; }
    draw(target) {
      if (!this.span) return;
      const scale = this.chart.timeScale(), [left, right] = this.span.map((time) => scale.timeToCoordinate(time));
      if (left === null || right === null) return;
      target.useMediaCoordinateSpace(({ context, mediaSize }) => {
        context.fillStyle = `${this.colour}22`;
        context.fillRect(left, 0, right - left, mediaSize.height);
        context.fillStyle = this.colour;
        context.fillRect(right - 0.5, 0, 1.5, mediaSize.height);
      });
    }
  }

  /** Positions as bands behind the candles: {from, to, colour}, times in seconds, ascending. */
  class Shades {
    constructor() { this.spans = []; }
    attached({ chart, requestUpdate }) { this.chart = chart; this.update = requestUpdate; }
    set(spans) { this.spans = spans; if (this.update) this.update(); }
    paneViews() { return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.draw(target) }) }]; }
    draw(target) {
      const scale = this.chart.timeScale(), seen = scale.getVisibleRange(), half = scale.options().barSpacing / 2;
      if (!seen) return;
      target.useMediaCoordinateSpace(({ context, mediaSize }) => {
        for (const { from, to, colour } of this.spans) {
          if (to < seen.from) continue;
          if (from > seen.to) break;
          const left = scale.timeToCoordinate(from), right = scale.timeToCoordinate(to);
          if (left === null || right === null) continue;
          context.fillStyle = colour;
          context.fillRect(left - half, 0, right - left + 2 * half, mediaSize.height);
        }
      });
    }
  }

  class View {
    constructor(element, run) {
      this.run = run;
      this.chart = lab.stage.chartIn(element);
      this.lines = new Map();
      this.build();
      this.paint();
      lab.stage.onTheme(() => { this.paint(); this.show(this.symbol); this.redraw(); });
    }

    build() {
      this.volume = this.chart.addSeries(HistogramSeries, { ...quiet, priceScaleId: "volume", priceFormat: { type: "volume" } }, PRICE);
      this.candles = this.chart.addSeries(CandlestickSeries, { ...quiet, borderVisible: false }, PRICE);
      this.chart.priceScale("volume", PRICE).applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
      this.shades = new Shades();
      this.window = new Window();
      for (const each of [this.shades, this.window]) this.candles.attachPrimitive(each);
      this.markers = createSeriesMarkers(this.candles, [], { autoScale: false });
      this.scores = [0, 1].map(() => this.chart.addSeries(LineSeries, { ...quiet, lineWidth: 1, crosshairMarkerVisible: false, priceFormat: { type: "price", precision: 3, minMove: 0.001 } }, SCORE));
      this.levels = [];
      this.net = this.chart.addSeries(LineSeries, { ...quiet, lineWidth: 2, priceFormat: percent }, EQUITY);
      this.drawdown = this.chart.addSeries(AreaSeries, { ...quiet, lineWidth: 1, priceFormat: percent, invertFilledArea: true, autoscaleInfoProvider: below }, DRAWDOWN);
      this.chart.panes().forEach((pane, i) => pane.setStretchFactor(STRETCH[i]));
    }

    paint() {
      const tone = this.tone = lab.stage.paint(this.chart);
      this.candles.applyOptions({ upColor: tone.good, downColor: tone.bad, wickUpColor: tone.good, wickDownColor: tone.bad });
      this.scores[0].applyOptions({ color: tone.model });
      this.scores[1].applyOptions({ color: tone.second });
      this.net.applyOptions({ color: tone.model });
      this.drawdown.applyOptions({ lineColor: tone.bad, topColor: `${tone.bad}40`, bottomColor: `${tone.bad}40` });
    }

    seconds(bar) { return this.run.columns.time[bar] / 1000; }

    /** Candles, volume and scores of a symbol. */
    show(symbol) {
      this.symbol = symbol;
      const [first, stop] = this.run.facts.symbols[symbol].bars;
      const { candles, volumes, priceFormat } = lab.stage.barsOf(this.run.columns, first, stop, this.tone);
      this.candles.applyOptions({ priceFormat });
      this.candles.setData(candles);
      this.volume.setData(volumes);
      this.showScores(symbol);
    }

    showScores(symbol) {
      const [first, stop] = this.run.facts.symbols[symbol].rows, { bar } = this.run.columns;
      this.shownScores = lab.scores.linesOf(this.run);
      this.scores.forEach((series, k) => {
        const line = this.shownScores[k], data = [];
        for (let row = first; line && row < stop; row++) data.push({ time: this.seconds(bar[row]), value: line.at(row) });
        series.setData(data);
      });
    }

    /** Lines at the threshold. */
    showThreshold(threshold) {
      this.levels.forEach(([series, level]) => series.removePriceLine(level));
      this.levels = lab.scores.levelsOf(this.run, threshold).map((price) => {
        const told = { price, color: this.tone.hold, lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true, title: "" };
        return [this.scores[0], this.scores[0].createPriceLine(told)];
      });
    }

    /** What the net held and earned: markers and shades of the symbol, equity and drawdown of the scope. */
    showMoney(own, whole, moved) {
      this.drawn = [own, whole, true];
      if (moved) this.showPositions(own);
      this.net.setData(this.curve(whole, whole.equity, (value) => 100 * (value - 1), 0));
      this.drawdown.setData(this.curve(whole, whole.drawdown, (value) => 100 * value, 0));
    }

    redraw() {
      if (this.drawn) this.showMoney(...this.drawn);
      for (const [name, { made, colour }] of this.lines) this.showLine(name, made, colour);
      if (this.threshold !== undefined) this.showThreshold(this.threshold);
    }

    showPositions({ signal, part, trades }) {
      const { bar } = this.run.columns, { start } = part.told, [, end] = this.run.facts.symbols[this.symbol].bars, tone = this.tone;
      const markers = [], spans = [];
      for (const { first, last, side } of trades) {
        const up = side > 0, colour = up ? tone.good : tone.bad, next = last + 1 - part.first;
        const stop = next < signal.length && !start[next] ? bar[last + 1] : bar[last] + 1;
        markers.push({ time: this.seconds(bar[first]), position: up ? "belowBar" : "aboveBar", shape: up ? "arrowUp" : "arrowDown", color: colour });
        if (stop < end) markers.push({ time: this.seconds(stop), position: up ? "aboveBar" : "belowBar", shape: "circle", color: tone.soft, size: 0.5 });
        const from = Math.min(bar[first] + 1, end - 1);
        spans.push({ from: this.seconds(from), to: this.seconds(Math.max(from, Math.min(stop, end - 1))), colour: `${colour}26` });
      }
      this.shades.set(spans);
      this.markers.setMarkers(markers.sort((a, b) => a.time - b.time));
    }

    /** Points of a curve at the instants after which its values are known. */
    curve({ part }, values, told, start) {
      const { instants } = part.book, { bar_ms, costs } = this.run.facts, points = [];
      if (!instants.length) return points;
      points.push({ time: instants[0] / 1000, value: start });
      for (let t = 0; t < values.length; t++) {
        const time = t + 1 < instants.length ? instants[t + 1] : instants[t] + bar_ms * costs.step;
        points.push({ time: time / 1000, value: told(values[t]) });
      }
      return points;
    }

    /** The equity of a rule beside the net's; none without `made`. */
    showLine(name, made, colour) {
      const known = this.lines.get(name);
      if (!made) {
        if (known) this.chart.removeSeries(known.series);
        this.lines.delete(name);
        return;
      }
      const options = { ...quiet, color: this.tone[colour], lineWidth: 1, priceFormat: percent };
      const series = known ? known.series : this.chart.addSeries(LineSeries, options, EQUITY);
      series.applyOptions({ color: this.tone[colour] });
      series.setData(this.curve(made, made.equity, (value) => 100 * (value - 1), 0));
      this.lines.set(name, { series, made, colour });
    }

    /** Mark the window that ends at a bar; null for none. */
    mark(bar) {
      const { symbols, window } = this.run.facts, first = symbols[this.symbol].bars[0];
      this.window.show(bar === null ? null : [this.seconds(Math.max(first, bar - window + 1)), this.seconds(bar)], this.tone.model);
    }

    /** Where a bar stands on the time scale: other symbols' times may stand there, too. */
    place(bar) { return this.chart.timeScale().timeToIndex(this.seconds(bar), true); }

    /** The bar of the symbol at a time of the scale, -1 where it has none. */
    barAt(time) {
      const { bars } = this.run.facts.symbols[this.symbol], own = this.run.columns.time.subarray(...bars), at = lab.scoring.place(own, time * 1000);
      return own[at] === time * 1000 ? bars[0] + at : -1;
    }

    /** Bring a bar into the middle if it is not in sight. */
    reveal(bar) {
      const scale = this.chart.timeScale(), at = this.place(bar), range = scale.getVisibleLogicalRange();
      const wide = range ? Math.min(range.to - range.from, 400) : 150;
      if (!range || at < range.from + 2 || at > range.to - 2 || range.to - range.from > 400)
        scale.setVisibleLogicalRange({ from: at - wide * 0.6, to: at + wide * 0.4 });
    }

    /** Show the newest bars, or all. */
    newest(count) {
      const [first, stop] = this.run.facts.symbols[this.symbol].bars, from = this.place(Math.max(first, stop - count));
      this.chart.timeScale().setVisibleLogicalRange({ from: from - 0.5, to: this.place(stop - 1) + 2 });
    }

    zoom(factor) {
      const scale = this.chart.timeScale(), range = scale.getVisibleLogicalRange();
      if (!range) return;
      const middle = (range.from + range.to) / 2, half = Math.max(4, (range.to - range.from) / 2 * factor);
      scale.setVisibleLogicalRange({ from: middle - half, to: middle + half });
    }
  }

  lab.View = View;
})(window);
