"""What is wrong on a page in a browser for those who do not see, use no mouse, see less contrast, or have a phone."""

FAULTS = r"""
(() => {
  const faults = [];
  const parts = colour => {
    const found = colour.match(/[\d.]+/g).map(Number);
    return found.length < 4 ? [...found, 1] : found;
  };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const over = (top, below) => [0, 1, 2].map(k => top[3] * top[k] + (1 - top[3]) * below[k]).concat(1);
  function behind(element) {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  }
  function isShown(element) {
    const box = element.getBoundingClientRect();
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
    return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility === 'visible' && opacity > 0.01;
  }
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !isShown(element) || element.closest('script, style, noscript')) continue;
    const style = getComputedStyle(element), ground = behind(element);
    const [a, b] = [light(over(parts(style.color), ground)), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), isBold = Number(style.fontWeight) >= 700;
    // WCAG AA: 3 to 1 is enough for large text.
    if ((a + 0.05) / (b + 0.05) < (size >= 24 || (size >= 18.66 && isBold) ? 3 : 4.5))
      faults.push('contrast of ' + element.textContent.trim().slice(0, 20));
  }
  for (const image of document.querySelectorAll('img')) {
    if (!image.alt.trim()) faults.push('no text for ' + image.src);
    if (image.complete && !image.naturalWidth) faults.push('no picture ' + image.src);
  }
  for (const one of document.querySelectorAll('a[href], button')) {
    const name = one.textContent.trim() || one.getAttribute('aria-label') || one.title || one.querySelector('img')?.alt;
    if (isShown(one) && !name) faults.push('no name of ' + one.outerHTML.slice(0, 60));
  }
  if (!document.documentElement.lang || !document.title) faults.push('no language or title');
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push('too wide');
  return faults;
})()
"""
"""An expression whose value is the list of faults."""
