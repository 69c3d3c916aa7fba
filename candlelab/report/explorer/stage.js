"use strict";
// What all charts of a page share: their colours, which follow the page's, and candles out of columns.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const quiet = { priceLineVisible: false, lastValueVisible: false };
  const percent = { type: "custom", minMove: 0.01, formatter: (value) => `${value.toFixed(1)} %` };
  const NAMES = ["card", "ink", "soft", "rule", "grid", "model", "base", "hold", "good", "bad", "second", "third", "maybe"];

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  function chartIn(element) {
    return root.LightweightCharts.createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: "inherit", panes: { enableResize: true } },
      timeScale: { timeVisible: true, secondsVisible: false, minBarSpacing: 0.005, enableConflation: true, rightOffset: 4 },
      rightPriceScale: { minimumWidth: 74 },
      handleScroll: { vertTouchDrag: false },
      localization: { locale: "en-GB" },
    });
  }

  /** Give a chart the page's colours, and return them. */
  function paint(chart) {
    const tone = colours();
    chart.applyOptions({
      layout: { background: { color: tone.card }, textColor: tone.soft, panes: { separatorColor: tone.rule, separatorHoverColor: tone.grid } },
      grid: { vertLines: { color: tone.grid }, horzLines: { color: tone.grid } },
      timeScale: { borderColor: tone.rule },
      rightPriceScale: { borderColor: tone.rule },
    });
    return tone;
  }

  const onTheme = (act) => matchMedia("(prefers-color-scheme: dark)").addEventListener("change", act);

  /** Candles, volumes and the format of prices of the bars first … stop - 1. */
  function barsOf({ time, open, high, low, close, volume, missing }, first, stop, tone) {
    const candles = [], volumes = [], up = `${tone.good}55`, down = `${tone.bad}55`;
    for (let i = first; i < stop; i++) {
      const at = time[i] / 1000;
      if (missing && missing[i]) { candles.push({ time: at }); continue; }
      candles.push({ time: at, open: open[i], high: high[i], low: low[i], close: close[i] });
      volumes.push({ time: at, value: volume[i], color: close[i] >= open[i] ? up : down });
    }
    const digits = lab.words.decimals(close[first]);
    return { candles, volumes, priceFormat: { type: "price", precision: digits, minMove: Number(`1e-${digits}`) } };
  }

  /** What was held from trade to trade, as a line of steps; one that is still open after the last bar (ms) reaches up to it. */
  function heldLine(trades, last) {
    const points = new Map();
    for (const { entry, exit, side } of trades) {
      points.set(entry / 1000, side);
      points.set(Math.min(exit, last) / 1000, exit > last ? side : 0);
    }
    return [...points].sort((a, b) => a[0] - b[0]).map(([time, value]) => ({ time, value }));
  }

  lab.stage = { quiet, percent, chartIn, paint, onTheme, barsOf, heldLine };
})(typeof window === "undefined" ? globalThis : window);
