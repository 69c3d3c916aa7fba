"use strict";
// The explorer of a study: the table of its runs above two of them on one price.
(function (root) {
  const lab = root.candlelab;
  const { element, byId } = lab.words;

  class Study {
    constructor(facts, columns) {
      this.facts = facts;
      const known = facts.runs.map((_, i) => i).filter((i) => columns[`equity_${i}`]);
      this.table = new lab.Table(facts, columns, (place, run) => { this.chosen[place] = run; this.show(); });
      const order = this.table.shown.filter((i) => known.includes(i));
      byId("compared").hidden = !order.length;
      if (!order.length) return;
      this.overlay = new lab.Overlay(byId("chart"), facts, columns);
      const same = order.find((i) => i !== order[0] && facts.runs[i].market === facts.runs[order[0]].market);
      this.chosen = this.table.chosen = [order[0], same ?? order[1] ?? order[0]];
      this.table.draw();
      byId("symbol").addEventListener("change", () => this.show(Number(byId("symbol").value)));
      this.show();
    }

    show(symbol = 0) {
      const { runs } = this.facts, [first, second] = this.chosen, names = this.overlay.symbolsOf(first);
      byId("symbol").replaceChildren(...names.map(({ name }, i) => element("option", { value: i, selected: i === symbol }, name)));
      byId("symbol-box").hidden = names.length < 2;
      this.overlay.show(first, second, symbol);
      const words = (place, run) => element("span", {}, element("i", { class: `key ${place ? "second" : "model"}` }), ` ${place + 1}: ${runs[run].model} `,
        ...(runs[run].page ? [element("a", { href: `${encodeURIComponent(runs[run].name)}/explore.html` }, "bar by bar")] : []));
      byId("pair").replaceChildren(words(0, first), words(1, second));
      byId("apart").textContent = this.told(first, second);
    }

    told(first, second) {
      const { runs } = this.facts;
      if (runs[first].market === null) return "The bars of the first run are not in this page: only what both earned is shown.";
      return runs[first].market === runs[second].market ? "" : "The second run stands on other bars than the first: its trades are shown where the first has bars of the same symbol.";
    }
  }

  async function start() {
    const facts = JSON.parse(byId("facts").textContent);
    lab.study = new Study(facts, await lab.unpack.columns(facts.columns, byId("columns").textContent));
    document.documentElement.dataset.ready = "yes";
  }

  start();
})(window);
