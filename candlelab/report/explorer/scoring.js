"use strict";
// What signals earn: the arithmetic of candlelab/evaluate (backtest, rules, ledger), row by row. Works in a browser and under node.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};

  /**
   * Where n rows stand: sorted by chain, then time. start (n,) 1 at the first row of a chain, time (n,) ms UTC.
   * instants are the distinct times, instant the number of each row's, weight 1 over the rows of an instant.
   */
  function bookOf(time, start) {
    const n = time.length, end = new Uint8Array(n);
    for (let i = 0; i < n; i++) end[i] = i === n - 1 || start[i + 1] ? 1 : 0;
    const sorted = Float64Array.from(time).sort(), instants = sorted.filter((value, i) => !i || value !== sorted[i - 1]);
    const instant = new Int32Array(n), count = new Float64Array(instants.length);
    for (let i = 0; i < n; i++) {
      let at = i ? instant[i - 1] + 1 : 0;
      if (instants[at] !== time[i]) at = place(instants, time[i]);
      instant[i] = at;
      count[at]++;
    }
    return { time, start, end, instants, instant, weight: count.map((rows) => 1 / rows) };
  }

  /** The number of a value among ascending values. */
  function place(values, value) {
    let low = 0, high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < value) low = middle + 1; else high = middle;
    }
    return low;
  }

  const RULES = {
    threshold: ({ score, side }, threshold) => score.map((value, i) => value >= threshold ? side[i] : 0),
    proportional({ score, side }, threshold, held) {
      const span = held.full - threshold;
      return score.map((value, i) => {
        if (!(value >= threshold)) return 0;
        const grown = span > 0 ? (value - threshold) / span : 1;
        return side[i] * (1 + Math.floor((held.steps - 1) * Math.min(1, Math.max(0, grown)) + 1e-12)) / held.steps;
      });
    },
    hysteresis({ score, side, start }, threshold, held) {
      const positions = new Float64Array(score.length);
      let now = 0, age = 0;
      for (let i = 0; i < score.length; i++) {
        if (start[i]) { now = 0; age = 0; }
        age++;
        if (now !== 0 && age > held.hold && (side[i] !== now || score[i] < held.exit)) now = 0;
        if (now === 0 && side[i] !== 0 && score[i] >= threshold) { now = side[i]; age = 1; }
        positions[i] = now;
      }
      return positions;
    },
  };

  /** What is held at each row, in [-1, 1]; all 0 without a threshold. */
  function positions(rule, told, threshold, held) {
    if (threshold === null) return new Float64Array(told.score.length);
    return RULES[rule](told, threshold, held || {});
  }

  /** What a position that is held at each row earns until the next, funding paid; gain (n,). */
  function gains(barReturn, costs) {
    const funding = costs.funding_bps / 1e4 * costs.bar_ms * costs.step / costs.funded_ms;
    return barReturn.map((value) => value - funding);
  }

  /** Cost of a unit of position changed, as a fraction. */
  const unitCost = (costs) => (costs.fee_bps + costs.slippage_bps + costs.spread_bps / 2) / 1e4;

  /** Per instant gross, net and turnover, the equity after each (from 1), its fall from the highest point, and figures. */
  function backtest(signal, gain, book, cost) {
    const size = book.instants.length, n = signal.length;
    const gross = new Float64Array(size), turnover = new Float64Array(size);
    let entries = 0, inside = 0;
    for (let i = 0; i < n; i++) {
      const before = book.start[i] ? 0 : signal[i - 1], now = signal[i], at = book.instant[i];
      gross[at] += now * gain[i];
      turnover[at] += Math.abs(now - before) + (book.end[i] ? Math.abs(now) : 0);
      entries += now !== 0 && Math.sign(now) !== Math.sign(before) ? 1 : 0;
      inside += now !== 0 ? 1 : 0;
    }
    const net = new Float64Array(size);
    for (let t = 0; t < size; t++) {
      gross[t] *= book.weight[t];
      turnover[t] *= book.weight[t];
      net[t] = gross[t] - cost * turnover[t];
    }
    return { gross, net, turnover, entries, exposure: n ? inside / n : 0, ...grown(net), sharpe: entries ? sharpe(net) : NaN };
  }

  function grown(net) {
    const equity = new Float64Array(net.length), drawdown = new Float64Array(net.length);
    let now = 1, peak = 1, deepest = 0;
    for (let t = 0; t < net.length; t++) {
      now *= 1 + net[t];
      peak = Math.max(peak, now);
      equity[t] = now;
      drawdown[t] = now / peak - 1;
      deepest = Math.min(deepest, drawdown[t]);
    }
    return { equity, drawdown, maxDrawdown: deepest, total: now - 1 };
  }

  /** Mean over standard deviation (n - 1) per instant; NaN without movement. */
  function sharpe(net) {
    if (net.length < 2) return NaN;
    const mean = net.reduce((sum, value) => sum + value, 0) / net.length;
    const squares = net.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const spread = Math.sqrt(squares / (net.length - 1));
    return spread > 1e-15 ? mean / spread : NaN;
  }

  /** Trades as {first, last, side, gross, fee, net}: runs of rows of one chain on the same side; fractions of a whole position. */
  function trades(signal, gain, book, cost) {
    const found = [];
    let open = null;
    for (let i = 0; i < signal.length; i++) {
      const side = Math.sign(signal[i]);
      if (open && (book.start[i] || side !== open.side)) { found.push(closed(open, signal, cost)); open = null; }
      if (!side) continue;
      if (!open) open = { first: i, last: i, side, grown: 0, resized: 0 };
      else open.resized += Math.abs(signal[i] - signal[i - 1]);
      open.last = i;
      open.grown += Math.log1p(Math.max(signal[i] * gain[i], -1 + 1e-12));
    }
    if (open) found.push(closed(open, signal, cost));
    return found;
  }

  function closed({ first, last, side, grown, resized }, signal, cost) {
    const gross = Math.expm1(grown), fee = cost * (Math.abs(signal[first]) + Math.abs(signal[last]) + resized);
    return { first, last, side, gross, fee, net: gross - fee };
  }

  lab.scoring = { bookOf, positions, gains, unitCost, backtest, trades, place };
})(typeof window === "undefined" ? globalThis : window);
