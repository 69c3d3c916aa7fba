"use strict";
// Which lines the score pane shows, and where the threshold lies in it. Works in a browser and under node.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};

  /** One or two {name, at(row)} lines: probabilities of up and down, their difference, or the forecast. */
  function linesOf(run) {
    const { classes, score, settled } = run.facts, last = classes.length - 1, column = run.columns;
    const up = (row) => column[`p_${last}`][row], down = (row) => lab.run.probabilities(run, row)[0];
    if (settled) return [{ name: "score above the fold's threshold, by side", at: (row) => column.side[row] * column.score[row] }];
    if (score === "margin") return [{ name: `p(${classes[last]}) − p(${classes[0]})`, at: (row) => up(row) - down(row) }];
    if (score === "forecast") return [{ name: "forecast (log return)", at: (row) => column.side[row] * column.score[row] }];
    const lines = [{ name: `p(${classes[last]})`, at: up }];
    return last > 1 ? [...lines, { name: `p(${classes[0]})`, at: down }] : lines;
  }

  /** Heights of the threshold's lines; [] where nothing is traded. */
  function levelsOf(run, threshold) {
    const { classes, score, settled } = run.facts;
    if (threshold === null || settled) return threshold === null ? [] : [threshold, -threshold];
    if (score !== "confidence") return [threshold, -threshold];
    return classes.length === 2 ? [threshold, 1 - threshold] : [threshold];
  }

  /** The scores between which a threshold makes a difference. */
  function rangeOf(run) {
    let low = Infinity, high = -Infinity;
    run.columns.score.forEach((value, i) => {
      if (run.columns.side[i] && Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
    });
    return high >= low ? [low, high] : [0, 1];
  }

  lab.scores = { linesOf, levelsOf, rangeOf };
})(typeof window === "undefined" ? globalThis : window);
