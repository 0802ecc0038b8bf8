// Run in a page: the elements that stick out of the window or out of their own box.
export const overflowing = () => {
  const wide = document.documentElement.clientWidth;
  return [...document.querySelectorAll("body *")].filter((e) => {
    if (e.closest(".unseen, iframe, pre, progress") || e.getClientRects().length === 0) return false;
    const box = e.getBoundingClientRect();
    const sticks_out = box.left < -0.5 || box.right > wide + 0.5;
    return sticks_out || (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline" && !e.closest("select, textarea, input"));
  }).map((e) => `${e.tagName}.${e.className.baseVal ?? e.className}: ${(e.textContent ?? "").slice(0, 40)}`);
};
