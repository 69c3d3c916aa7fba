"use strict";
// What stands behind one answer: the picture, its caption, the probabilities, the outcome, the heat map.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const { element, percent, signed, number, time, byId } = lab.words;

  /** A canvas with the picture of a row's window; null where a page cannot draw it. */
  function pictureOf(run, row) {
    const recipe = run.facts.picture, made = recipe && lab.spans.draw(recipe, lab.run.windowOf(run, row));
    if (!made) return null;
    const canvas = element("canvas", { width: made.width, height: made.height, class: "seen", role: "img", "aria-label": "the chart that the net saw" });
    const context = canvas.getContext("2d"), image = context.createImageData(made.width, made.height), size = made.width * made.height;
    for (let i = 0; i < size; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = made.pixels[Math.min(c, made.channels - 1) * size + i];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  function captionOf(run, row) {
    const { texts, first } = run.facts.captions;
    if (!texts) return null;
    return row < first ? "Its caption is not kept in this page: only the newest ones are." : texts[run.columns.caption[row - first]];
  }

  function probabilityRows(run, row) {
    const label = run.columns.label[row], p = lab.run.probabilities(run, row), answer = lab.run.answer(run, row);
    return run.facts.classes.map((name, k) => element("tr", { class: k === answer ? "answer-row" : null },
      element("th", { scope: "row" }, name),
      element("td", {}, percent(p[k], 2)),
      element("td", {}, [k === answer ? "answered" : "", k === label ? "came true" : ""].filter(Boolean).join(", "))));
  }

  function outcome(run, row) {
    const { columns, facts } = run, label = columns.label[row], bars = facts.horizon === 1 ? "the next bar" : `the next ${facts.horizon} bars`;
    if (label < 0) return "No label: what came is not known, or too small to count.";
    return `${lab.run.answer(run, row) === label ? "Right" : "Wrong"}: the price moved ${signed(columns.moved[row])} over ${bars} (${facts.classes[label]}).`;
  }

  function position(run, row, made) {
    const held = made.signal[row - made.part.first], { score, side } = run.columns;
    const word = held > 0 ? "long" : held < 0 ? "short" : "flat", size = Math.abs(held) < 1 && held ? ` ${percent(Math.abs(held), 0)} of it` : "";
    return `Score ${number(score[row], 4)} for ${side[row] > 0 ? "up" : side[row] < 0 ? "down" : "neither side"}; position after this bar: ${word}${size}.`;
  }

  function heatMap(run, row) {
    const map = run.facts.maps[row];
    if (!map) return [];
    const words = map.words ? `Where the net looked; of the caption: ${map.words}.` : "Where the net looked (task=explain).";
    return [element("figure", {}, element("img", { src: map.image, class: "seen", alt: "heat map over the chart" }), element("figcaption", {}, words))];
  }

  /** Show a bar in the panel: with its row if one stands on it. `made` is the net's score of the bar's symbol. */
  function show(run, bar, row, made) {
    const { columns, facts } = run, panel = byId("panel-body"), name = facts.symbols[made.symbol].name;
    byId("panel-title").textContent = `${name} ${time(columns.time[bar])}`;
    if (row < 0) {
      panel.replaceChildren(element("p", {}, "No test row ends at this bar: it only stands in windows of others, or lies outside of the test."));
      return;
    }
    const picture = pictureOf(run, row), caption = captionOf(run, row), forecast = columns.forecast ? columns.forecast[row] : NaN;
    const saw = picture && element("figure", {}, picture, element("figcaption", {}, `What the net saw: ${facts.window} bars up to the close of this one.`));
    panel.replaceChildren(
      picture ? element("div", { class: "shown" }, saw, ...heatMap(run, row)) : element("p", { class: "soft" }, facts.no_picture),
      ...(caption ? [element("blockquote", {}, caption)] : []),
      element("table", {}, element("caption", {}, "Probabilities"), element("tbody", {}, ...probabilityRows(run, row))),
      ...(Number.isFinite(forecast) ? [element("p", {}, `Forecast: ${signed(Math.expm1(forecast))}.`)] : []),
      element("p", {}, outcome(run, row)),
      element("p", {}, position(run, row, made)));
  }

  lab.panel = { show, pictureOf };
})(window);
