"use strict";
// Columns of numbers out of the page: what packed.py put in. Works in a browser and under node.
(function (root) {
  const lab = root.candlelab = root.candlelab || {};

  /** Bytes of a base64 text. */
  function bytesOf(text) {
    const letters = atob(text.trim()), bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    return bytes;
  }

  /** The bytes behind a zlib stream. */
  async function inflated(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function wholeNumbers(bytes, entry) {
    const { n, at, width, delta } = entry, scales = entry.scales || [entry.scale], stops = entry.stops || [n], values = new Float64Array(n);
    let sum = 0, part = 0;
    for (let i = 0; i < n; i++) {
      while (i >= stops[part]) part++;
      let low = 0, high = 0;
      for (let k = Math.min(width, 3) - 1; k >= 0; k--) low = low * 256 + bytes[at + k * n + i];
      for (let k = width - 1; k >= 3; k--) high = high * 256 + bytes[at + k * n + i];
      const coded = high * 16777216 + low, half = Math.floor(coded / 2), value = low % 2 ? -half - 1 : half;
      sum = delta ? sum + value : value;
      values[i] = sum / scales[part];
    }
    return values;
  }

  function floats(bytes, entry) {
    const { n, at, width } = entry, raw = new Uint8Array(n * width);
    for (let k = 0; k < width; k++) for (let i = 0; i < n; i++) raw[i * width + k] = bytes[at + k * n + i];
    return width === 4 ? Float64Array.from(new Float32Array(raw.buffer)) : new Float64Array(raw.buffer);
  }

  /** {name: Float64Array} of all columns of an index, from the text they lie in. */
  async function columns(index, text) {
    const bytes = await inflated(bytesOf(text)), found = {};
    for (const [name, entry] of Object.entries(index))
      found[name] = "delta" in entry ? wholeNumbers(bytes, entry) : floats(bytes, entry);
    return found;
  }

  lab.unpack = { columns };
})(typeof window === "undefined" ? globalThis : window);
