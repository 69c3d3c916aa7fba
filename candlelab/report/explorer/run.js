"use strict";
// One run as its page holds it: rows on bars, and its score at any fee and threshold. Works in a browser and under node.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};

  /** What a position taken at each row earns until the next row's close, at the end of a chain until the next bar's. */
  function barReturns({ close, bar, start }) {
    return bar.map((at, i) => {
      const chained = i + 1 < bar.length && !start[i + 1];
      const following = chained ? bar[i + 1] : Math.min(at + 1, close.length - 1), moved = close[following] / close[at] - 1;
      return Number.isNaN(moved) ? 0 : moved;
    });
  }

  /** facts and columns of a page, with what follows from them: the rows' times, returns and places. */
  function runOf(facts, columns) {
    const time = columns.bar.map((at) => columns.time[at]), barReturn = columns.gain || barReturns(columns);
    return { facts, columns, time, barReturn, parts: new Map() };
  }

  /** The rows of one symbol (its number) or of all (-1), with what their score needs. */
  function partOf(run, symbol) {
    if (!run.parts.has(symbol)) {
      const [first, stop] = symbol < 0 ? [0, run.time.length] : run.facts.symbols[symbol].rows;
      const cut = (values) => values.subarray(first, stop), { score, side, start } = run.columns;
      const book = lab.scoring.bookOf(cut(run.time), cut(start));
      run.parts.set(symbol, { first, stop, book, told: { score: cut(score), side: cut(side), start: cut(start) }, barReturn: cut(run.barReturn) });
    }
    return run.parts.get(symbol);
  }

  /** The run's costs with another fee, in basis points. */
  const costsAt = (run, fee) => ({ ...run.facts.costs, fee_bps: fee });

  function scored(part, signal, costs) {
    const gain = lab.scoring.gains(part.barReturn, costs), cost = lab.scoring.unitCost(costs);
    return { signal, gain, cost, ...lab.scoring.backtest(signal, gain, part.book, cost) };
  }

  /** The net at a fee and a threshold (null: nothing is traded), with its trades; rows are numbered over all symbols. */
  function netOf(run, symbol, fee, threshold) {
    const part = partOf(run, symbol), { rule, held } = run.facts, stored = run.columns.held_net; // of a rule that is not known here
    const signal = stored ? stored.subarray(part.first, part.stop) : lab.scoring.positions(rule, part.told, threshold, held);
    const made = scored(part, signal, costsAt(run, fee));
    const trades = lab.scoring.trades(made.signal, made.gain, part.book, made.cost);
    for (const trade of trades) { trade.first += part.first; trade.last += part.first; }
    return { ...made, part, trades };
  }

  /** A simple rule at the threshold that validation chose for it, or buy and hold. */
  function ruleOf(run, symbol, fee, name) {
    const part = partOf(run, symbol), kept = run.columns[`held_${name}`];
    const signal = kept ? kept.subarray(part.first, part.stop) : new Float64Array(part.stop - part.first).fill(1);
    return { ...scored(part, signal, costsAt(run, fee)), part };
  }

  /** Figures of a score as the report names them. */
  function figuresOf(run, made) {
    const won = made.trades ? made.trades.filter((trade) => trade.net > 0).length : 0;
    return {
      return_net_pct: 100 * made.total,
      sharpe_net_annual: made.sharpe * Math.sqrt(run.facts.per_year),
      max_drawdown_pct: 100 * made.maxDrawdown,
      trades: made.entries,
      exposure: made.exposure,
      win_rate: made.trades && made.trades.length ? won / made.trades.length : NaN,
    };
  }

  /** Probabilities of all classes at a row. */
  function probabilities(run, row) {
    const others = run.facts.classes.slice(1).map((_, k) => run.columns[`p_${k + 1}`][row]);
    return [Math.max(0, 1 - others.reduce((sum, p) => sum + p, 0)), ...others];
  }

  /** The class with the highest probability. */
  function answer(run, row) {
    const p = probabilities(run, row);
    return p.indexOf(Math.max(...p));
  }

  /** The bars of the window that ends at a row, its warm-up ahead, as pictures are drawn from. */
  function windowOf(run, row) {
    const { window, warmup } = run.facts, stop = run.columns.bar[row] + 1, first = stop - window - warmup;
    const bars = { shown: null };
    for (const name of ["open", "high", "low", "close", "volume"]) bars[name] = run.columns[name].subarray(first, stop);
    if (run.columns.missing) bars.shown = Array.from(run.columns.missing.subarray(first, stop), (gone) => 1 - gone);
    return bars;
  }

  /** The row that stands on a bar (numbers over all symbols), -1 for none. */
  function rowAt(run, bar) {
    const at = lab.scoring.place(run.columns.bar, bar);
    return run.columns.bar[at] === bar ? at : -1;
  }

  lab.run = { runOf, partOf, netOf, ruleOf, figuresOf, probabilities, answer, windowOf, rowAt };
})(typeof window === "undefined" ? globalThis : window);
