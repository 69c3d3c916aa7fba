"use strict";
// Numbers and times as people read them, and elements made of text: nothing of a run is ever read as markup.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};
  const MINUS = "\u2212", THIN = "\u202f", DASH = "–";

  function number(value, digits) {
    if (!Number.isFinite(value)) return DASH;
    const text = Math.abs(value).toFixed(digits), [whole, rest] = text.split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN) + (rest ? `.${rest}` : "");
    return (value < 0 && Number(text) ? MINUS : "") + grouped;
  }

  const percent = (fraction, digits = 1) => Number.isFinite(fraction) ? `${number(100 * fraction, digits)}${THIN}%` : DASH;
  const signed = (fraction, digits = 2) => (fraction > 0 ? "+" : "") + percent(fraction, digits);
  const time = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

  /** Decimal places that show six digits of a price, two at least; a double has no more than fifteen. */
  const decimals = (price) => Math.max(2, Math.min(15, 5 - Math.floor(Math.log10(price || 1))));

  /** An element with attributes and children; texts stay texts. */
  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children);
    return made;
  }

  const byId = (id) => document.getElementById(id);

  lab.words = { number, percent, signed, time, decimals, element, byId };
})(typeof window === "undefined" ? globalThis : window);
