// More drawings, for the pages that show more (dom.ts).
import { add_drawings } from "./dom";

export const signs = {
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  open_lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2",
  down: "M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 20h14",
  up: "M12 20V9m0 0 4.5 4.5M12 9l-4.5 4.5M5 4h14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "m5 12.5 4.5 4.5L19 7",
  pause: "M9 6v12M15 6v12",
  play: "M8 5l11 7-11 7z",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16m0 4v4l3 2",
  note: "M5 4h14v12l-4 4H5zM15 20v-4h4M9 9h6m-6 4h4",
  share: "M6 12v8h12v-8M12 15V4m0 0L8 8m4-4 4 4",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l2 1H4zM10 21h4",
  receive: "M4 4h6v6H4zm10 0h6v6h-6zM4 14h6v6H4zM17 13v7m0 0 3-3m-3 3-3-3",
  send: "M21 4 10 15M21 4l-7 17-4-6-6-4z",
  mail: "M3 6h18v12H3zm0 0 9 7 9-7",
} as const;
add_drawings(signs);
