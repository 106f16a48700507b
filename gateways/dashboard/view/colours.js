// The colours of the theme for what is drawn on canvases: read from the style sheet once per theme.

const NAMES = { up: '--up', down: '--down', upFill: '--up-fill', downFill: '--down-fill', bid: '--bid', ask: '--ask', bidFill: '--bid-fill', askFill: '--ask-fill',
  text: '--text', muted: '--muted', grid: '--grid', panel: '--panel', font: '--font' };

export function readColours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(Object.entries(NAMES).map(([name, property]) => [name, style.getPropertyValue(property).trim()]));
}
