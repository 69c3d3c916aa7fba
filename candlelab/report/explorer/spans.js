"use strict";
// The pictures that nets see, drawn from bars: the geometry of candlelab/render, pixel for pixel. Works in a browser and under node.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const SNAP = 2 ** 20, FLAT = 2 ** -40;

  /** Nearest whole number, halves to even. */
  function rint(value) {
    const near = Math.round(value);
    return Math.abs(value % 1) === 0.5 && near % 2 !== 0 ? near - 1 : near;
  }

  const range = (n) => Array.from({ length: n }, (_, i) => i);

  // ---- scale
  function priceScale([low, high], rows) {
    const span = high - low, flat = !(span > FLAT * high);
    return flat ? { origin: 0, factor: Math.floor((rows - 1) / 2) * SNAP / low } : { origin: low, factor: (rows - 1) * SNAP / span };
  }

  function downwardScale([low, high], rows) {
    const span = high - low;
    return { origin: high, factor: span > 0 ? (1 - rows) * SNAP / span : 0 };
  }

  const snapped = (value, scale) => rint((value - scale.origin) * scale.factor) * (1 / SNAP);
  const visible = (value, i, shown) => (!shown || shown[i] === 1) && !Number.isNaN(value);
  const numbered = (values, scale, shown) =>
    shown ? Array.from(values, (value, i) => visible(value, i, shown) ? value : scale.origin) : Array.from(values);
  const rowsAbove = (values, scale, shown) => numbered(values, scale, shown).map((value) => rint(snapped(value, scale)));
  const rowsBelow = (values, scale, shown) => numbered(values, scale, shown).map((value) => Math.trunc(snapped(value, scale)));

  function extent(lows, highs, shown) {
    let low = Infinity, high = -Infinity;
    for (const column of lows) column.forEach((value, i) => { if (visible(value, i, shown)) low = Math.min(low, value); });
    for (const column of highs) column.forEach((value, i) => { if (visible(value, i, shown)) high = Math.max(high, value); });
    return high >= low ? [low, high] : [1, 1];
  }

  function barHeights(volume, rows, shown) {
    const known = Array.from(volume, (value, i) => shown && !visible(value, i, shown) ? 0 : value);
    const largest = Math.max(...known), whole = largest > 0 ? largest : 1;
    return known.map((value) => rint(rint(value / whole * (rows * SNAP)) / SNAP));
  }

  function movingAverage(close, length, window, shown) {
    const from = close.length - (window + length - 1), last = Array.from(close.slice(from));
    if (!shown) return runningSum(last, length).map((sum) => sum / length);
    const there = last.map((value, i) => visible(value, from + i, shown) ? 1 : 0);
    const total = runningSum(last.map((value, i) => there[i] ? value : 0), length), count = runningSum(there, length);
    return total.map((sum, i) => count[i] > 0 ? sum / count[i] : NaN);
  }

  /** Sums of `length` neighbours, added in the order in which candlelab adds them. */
  function runningSum(values, length) {
    const count = values.length - length + 1;
    let total = null, offset = 0, power = 1;
    while (length) {
      if (length & 1) {
        const piece = values.slice(offset, offset + count);
        total = total === null ? piece : total.map((sum, i) => sum + piece[i]);
        offset += power;
      }
      length >>= 1;
      if (length) {
        const shift = power, before = values;
        values = before.slice(0, before.length - shift).map((value, i) => value + before[i + shift]);
        power *= 2;
      }
    }
    return total;
  }

  // ---- bars
  const COLUMNS = ["open", "high", "low", "close", "volume"];

  /** The bars pushed together at the newest end; slots left over have no bar. */
  function adjacent(bars, window) {
    if (!bars.shown) return bars;
    const length = bars.close.length, order = [...range(length).filter((i) => !bars.shown[i]), ...range(length).filter((i) => bars.shown[i])];
    const sum = (from) => bars.shown.slice(from).reduce((total, value) => total + value, 0);
    const kept = sum(length - window), total = sum(0), moved = {};
    for (const name of COLUMNS) moved[name] = order.map((i) => bars[name][i]);
    moved.shown = range(length).map((i) => i >= length - kept || (i < length - window && i >= length - total) ? 1 : 0);
    return moved;
  }

  function last(bars, window) {
    const now = { shown: bars.shown ? Array.from(bars.shown.slice(-window)) : null };
    for (const name of COLUMNS) now[name] = Array.from(bars[name].slice(-window));
    return now;
  }

  const andNumber = (shown, column) => shown && shown.map((there, i) => there && !Number.isNaN(column[i]) ? 1 : 0);

  // ---- lines
  /** Bresenham's line through one point per bar as one run per column: [tops, bottoms], empty runs end above where they begin. */
  function polyline(points, rows, shown) {
    const first = points[0], tops = new Array(points[points.length - 1] - first + 1).fill(Infinity), bottoms = tops.map(() => -1);
    let back = null;
    points.forEach((column, k) => {
      const onward = k < points.length - 1 && (!shown || (shown[k] && shown[k + 1]));
      const wide = k < points.length - 1 ? points[k + 1] - column : 1, rise = onward ? rows[k + 1] - rows[k] : 0;
      if (!shown || shown[k]) stretch(tops, bottoms, column - first, wide, rows[k], rise, onward);
      if (tops[column - first] !== Infinity) {
        const arriving = back === null ? rows[k] : rows[k] - back;
        tops[column - first] = Math.min(tops[column - first], arriving);
        bottoms[column - first] = Math.max(bottoms[column - first], arriving);
      }
      back = Math.floor(Math.abs(rise) / (2 * wide)) * (rise < 0 ? -1 : 1);
    });
    return [tops, bottoms];
  }

  function stretch(tops, bottoms, start, wide, base, rise, onward) {
    const height = Math.abs(rise), double = 2 * wide;
    for (let x = 0; x < (onward ? wide : 1); x++) {
      const middle = 2 * height * x, nearest = Math.floor((middle + wide) / double);
      const from = Math.max(0, Math.min(Math.ceil((middle - height) / double), nearest));
      const to = Math.max(Math.ceil((middle + height) / double) - 1, nearest);
      tops[start + x] = rise >= 0 ? base + from : base - to;
      bottoms[start + x] = rise >= 0 ? base + to : base - from;
    }
  }

  /** Each column's run widened by a square pen. */
  function widened([tops, bottoms], thickness) {
    const before = thickness - 1 >> 1, after = thickness >> 1, pen = thickness - 1, made = [[], []];
    if (!pen) return [tops, bottoms];
    for (let x = 0; x < tops.length + pen; x++) {
      let top = Infinity, bottom = -Infinity;
      for (let k = Math.max(0, x - pen); k <= Math.min(x, tops.length - 1); k++) {
        top = Math.min(top, tops[k]);
        bottom = Math.max(bottom, bottoms[k]);
      }
      made[0].push(top - before);
      made[1].push(bottom < 0 ? -1 : bottom + after);
    }
    return made;
  }

  // ---- a sheet of pixels
  class Sheet {
    constructor(height, width, palette) {
      this.height = height; this.width = width; this.palette = palette;
      this.inks = new Uint8Array(height * width);
    }

    /** Paint columns left … left + wide - 1 from row top to row bottom. */
    run(left, wide, top, bottom, ink) {
      for (let y = Math.max(0, top); y <= Math.min(this.height - 1, bottom); y++)
        this.inks.fill(ink, y * this.width + left, y * this.width + left + wide);
    }

    /** (C, H, W) levels. */
    get picture() {
      const channels = this.palette[0].length, size = this.inks.length, pixels = new Uint8Array(channels * size);
      for (let c = 0; c < channels; c++) for (let i = 0; i < size; i++) pixels[c * size + i] = this.palette[this.inks[i]][c];
      return { channels, height: this.height, width: this.width, pixels };
    }
  }

  // ---- styles
  function candleChart(recipe, bars) {
    const { window, height, width } = recipe, now = last(bars, window), shown = now.shown;
    const slot = Math.floor(width / window), wide = Math.max(1, Math.min(slot - 1, rint(recipe.body * slot)));
    const bodies = range(window).map((i) => Math.floor(i * width / window) + ((slot - wide + 1) >> 1));
    const wicks = bodies.map((left) => left + ((wide - 1) >> 1)), volumeRows = rint(recipe.volume * height);
    const priceRows = height - volumeRows - (volumeRows ? 1 : 0), ink = (i) => now.close[i] >= now.open[i] ? 1 : 2;
    const sheet = new Sheet(height, width, [recipe.paper, recipe.up, recipe.down, recipe.wick, ...recipe.averages]);
    const averages = recipe.moving_averages.map((n) => movingAverage(bars.close, n, window, bars.shown));
    const scale = priceScale(extent([now.low, ...averages], [now.high, ...averages], shown), priceRows);
    const rows = (values) => rowsAbove(values, scale, shown).map((row) => priceRows - 1 - row);
    if (volumeRows) barHeights(now.volume, volumeRows, shown).forEach((tall, i) => sheet.run(bodies[i], wide, height - tall, height - 1, ink(i)));
    averages.forEach((average, k) => line(sheet, wicks, rows(average), andNumber(shown, average), 4 + k));
    const [low, high, opened, closed] = [now.low, now.high, now.open, now.close].map(rows);
    const there = range(window).filter((i) => !shown || shown[i]);
    there.forEach((i) => sheet.run(wicks[i], 1, high[i], low[i], 3));
    there.forEach((i) => sheet.run(bodies[i], wide, Math.min(opened[i], closed[i]), Math.max(opened[i], closed[i]), ink(i)));
    return sheet.picture;
  }

  function line(sheet, points, rows, shown, ink) {
    const [tops, bottoms] = polyline(points, rows, shown);
    tops.forEach((top, x) => sheet.run(points[0] + x, 1, top, bottoms[x], ink));
  }

  function lineChart(recipe, bars) {
    const { window, height, width, thickness } = recipe, now = last(bars, window), shown = andNumber(now.shown, now.close);
    const before = (thickness - 1) >> 1, after = thickness >> 1, room = width - 1 - before - after;
    const points = range(window).map((i) => before + Math.floor(i * room / Math.max(window - 1, 1))), rows = height - thickness + 1;
    const scale = priceScale(extent([now.close], [now.close], shown), rows), sheet = new Sheet(height, width, [recipe.paper, recipe.ink]);
    const at = rowsAbove(now.close, scale, shown).map((row) => rows - 1 - row + before);
    const [tops, bottoms] = widened(polyline(points, at, shown), thickness);
    tops.forEach((top, x) => sheet.run(points[0] - before + x, 1, top, bottoms[x], 1));
    return sheet.picture;
  }

  function jkx(recipe, bars) {
    const { window, height } = recipe, now = last(bars, window), shown = now.shown, sheet = new Sheet(height, 3 * window, [[0], [255]]);
    const volumeRows = Math.trunc(height * recipe.volume), priceRows = height - volumeRows - (volumeRows ? 1 : 0);
    const averages = recipe.moving_average ? [movingAverage(bars.close, recipe.moving_average, window, bars.shown)] : [];
    const scale = priceScale(extent([now.low, ...averages], [now.high, ...averages], shown), priceRows);
    const rows = (values) => rowsAbove(values, scale, shown).map((row) => priceRows - 1 - row);
    const [opened, top, bottom, closed] = [now.open, now.high, now.low, now.close].map(rows);
    const has = (column) => { const there = andNumber(shown, column); return (i) => !there || there[i]; };
    const opens = has(now.open), closes = has(now.close);
    range(window).forEach((i) => {
      if (opens(i)) sheet.run(3 * i, 1, opened[i], opened[i], 1);
      if (!shown || shown[i]) sheet.run(3 * i + 1, 1, top[i], bottom[i], 1);
      if (closes(i)) sheet.run(3 * i + 2, 1, closed[i], closed[i], 1);
    });
    for (const average of averages) line(sheet, range(window).map((i) => 3 * i + 1), rows(average), andNumber(shown, average), 1);
    if (volumeRows) barHeights(now.volume, volumeRows, shown).forEach((tall, i) => sheet.run(3 * i + 1, 1, height - tall, height - 1, 1));
    return sheet.picture;
  }

  function ohlcBars(recipe, bars) {
    const { window, height } = recipe, now = last(bars, window), sheet = new Sheet(height, 4 * window, [[255], [0]]);
    const scale = downwardScale(extent([now.low], [now.high], now.shown), height);
    const [opened, top, bottom, closed] = [now.open, now.high, now.low, now.close].map((values) => rowsBelow(values, scale, now.shown));
    const [ofOpen, ofLine, ofClose] = recipe.layout === "line_open_close" ? [1, 0, 2] : [0, 1, 2];
    range(window).filter((i) => !now.shown || now.shown[i]).forEach((i) => {
      sheet.run(4 * i + ofOpen, 1, opened[i], opened[i], 1);
      sheet.run(4 * i + ofLine, 1, top[i], bottom[i], 1);
      sheet.run(4 * i + ofClose, 1, closed[i], closed[i], 1);
    });
    return sheet.picture;
  }

  function gramian(recipe, bars) {
    const { window, size, fields } = recipe, now = last(bars, window), shown = andNumber(now.shown, now.close);
    const [low, high] = extent([now.close], [now.close], shown), span = high - low, flat = !(span > FLAT * high);
    const cosine = now.close.map((close, i) =>
      flat ? 0.5 : rint(((!shown || shown[i] ? close : low) - low) / span * SNAP) / SNAP);
    const sine = cosine.map((value) => Math.sqrt(1 - value * value)), pixels = new Uint8Array(fields.length * size * size);
    const FIELD = { gasf: (i, j) => cosine[i] * cosine[j] - sine[i] * sine[j], gadf: (i, j) => sine[i] * cosine[j] - cosine[i] * sine[j] };
    const bar = range(size).map((x) => Math.floor(x * window / size));
    fields.forEach((name, c) => bar.forEach((i, y) => bar.forEach((j, x) => {
      const there = !shown || (shown[i] && shown[j]);
      pixels[(c * size + y) * size + x] = there ? rint(rint((FIELD[name](i, j) + 1) * (127.5 * SNAP)) / SNAP) : 0;
    })));
    return { channels: fields.length, height: size, width: size, pixels };
  }

  const STYLES = { CandleChart: candleChart, LineChart: lineChart, Jkx: jkx, OhlcBars: ohlcBars, Gramian: gramian };

  /**
   * The picture {channels, height, width, pixels (C, H, W)} of a window; null for a style that is not known here.
   * bars {open, high, low, close, volume} of warm-up and window, oldest first; shown: 1 where there is a bar, or null.
   */
  function draw(recipe, bars) {
    const style = STYLES[recipe.style];
    return style ? style(recipe, recipe.missing === "adjacent" ? adjacent(bars, recipe.window) : bars) : null;
  }

  lab.spans = { draw, styles: Object.keys(STYLES) };
})(typeof window === "undefined" ? globalThis : window);
