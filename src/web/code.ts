// The QR code of a link, sharp at every size. Dark on light whatever the page looks like: not every camera reads the other.
import { encode } from "uqr";
import { svg } from "./dom";

const quiet = 4;  // modules, ISO/IEC 18004

export function code_of(text: string, label: string): SVGElement {
  const { data, size } = encode(text, { ecc: "L", boostEcc: true, border: 0 });
  let path = "";
  data.forEach((row, y) => {
    for (let x = 0; x < size; ++x) {
      const from = x;
      while (x < size && row[x]) ++x;
      if (x > from) path += `M${from + quiet} ${y + quiet}h${x - from}v1h${from - x}z`;
    }
  });
  const side = size + 2 * quiet;
  return svg("svg", { viewBox: `0 0 ${side} ${side}`, class: "code", role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("rect", { width: side, height: side, fill: "#fff" }), svg("path", { d: path, fill: "#000" }));
}
