(() => {
  // Figures answer to a pointer: the values under it are read off the lines, and a word of the legend hides its line.
  "use strict";
  const numbers = (text) => text.trim().split(/[\s,]+/).map(Number);
  const shown = (value, digits) => value.toFixed(digits).replace("-", "\u2212");
  const words = {
    number: (value) => shown(value, Math.abs(value) < 10 ? 3 : 1),
    percent: (value) => `${shown(100 * value, 1)}\u202f%`,
    log: (value) => shown(10 ** value, 3),
  };
  const along = (value) => (value > 1e11 ? new Date(value).toISOString().slice(0, 16).replace("T", " ") : shown(value, 3));

  const listen = (svg) => {
    const [x0, x1, left, right] = numbers(svg.dataset.x);
    const [y0, y1, low, high] = numbers(svg.dataset.y);
    const width = svg.viewBox.baseVal.width;
    const curves = [...svg.querySelectorAll("polyline.line")].map((line) => {
      const flat = numbers(line.getAttribute("points"));
      const name = line.querySelector("title")?.textContent ?? "";
      return { line, name, x: flat.filter((_, k) => k % 2 === 0), y: flat.filter((_, k) => k % 2 === 1) };
    });
    if (!curves.length) return;
    const cursor = document.createElementNS(svg.namespaceURI, "line");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("y1", high);
    cursor.setAttribute("y2", low);
    svg.append(cursor);
    const readout = document.createElement("p");
    readout.className = "readout";
    svg.after(readout);
    const nearest = (curve, place) => {
      let best = 0;
      curve.x.forEach((x, k) => { if (Math.abs(x - place) < Math.abs(curve.x[best] - place)) best = k; });
      return best;
    };
    const hide = () => { cursor.classList.remove("on"); readout.textContent = ""; };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const place = ((event.clientX - box.left) / box.width) * width;
      if (place < left || place > right) return hide();
      cursor.setAttribute("x1", place);
      cursor.setAttribute("x2", place);
      cursor.classList.add("on");
      const say = words[svg.dataset.read] ?? words.number;
      const told = new Map();
      for (const curve of curves) {
        const k = nearest(curve, place);
        const off = Math.abs(curve.x[k] - place);
        if (curve.line.classList.contains("off") || (told.has(curve.name) && told.get(curve.name).off <= off)) continue;
        told.set(curve.name, { off, text: `${curve.name} ${say(y0 + ((curve.y[k] - low) / (high - low)) * (y1 - y0))}`.trim() });
      }
      const at = along(x0 + ((place - left) / (right - left)) * (x1 - x0));
      readout.textContent = [at, ...[...told.values()].map((each) => each.text)].join(" \u00b7 ");
    });
    svg.addEventListener("pointerleave", hide);
  };

  const toggle = (figure, entry) => {
    const kind = entry.querySelector("i")?.className;
    const marks = () => figure.querySelectorAll(`svg .line.${kind}, svg .dot.${kind}, svg .area.${kind}`);
    if (!kind || /\s/.test(kind) || !marks().length) return;
    entry.tabIndex = 0;
    entry.setAttribute("role", "button");
    entry.setAttribute("aria-pressed", "true");
    const turn = () => {
      const on = entry.getAttribute("aria-pressed") !== "true";
      entry.setAttribute("aria-pressed", String(on));
      marks().forEach((mark) => mark.classList.toggle("off", !on));
    };
    entry.addEventListener("click", turn);
    entry.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      turn();
    });
  };

  for (const figure of document.querySelectorAll("figure")) {
    figure.querySelectorAll("svg[data-x]").forEach(listen);
    figure.querySelectorAll(".legend span").forEach((entry) => toggle(figure, entry));
  }
  document.documentElement.dataset.pointer = "yes";
})();
