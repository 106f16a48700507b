// A few dozen points as a line. A drawing of the page's own, not a canvas: each canvas is a layer that the browser puts together anew
// in every frame, also where only the text beside it has changed.

const LEAST_POINTS = 12; // of the whole width, so that the first two are not a line across it
const WIDTH = 52, HEIGHT = 20, PAD = 2;
const SVG = 'http://www.w3.org/2000/svg';

/** The corners of the line, as SVG's `points` wants them; '' where there are too few. */
export function sparklinePoints(points, count) {
  if (count < 2) return '';
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < count; i++) {
    if (points[i] < low) low = points[i];
    if (points[i] > high) high = points[i];
  }
  const x = (i) => (i * (WIDTH - 1)) / Math.max(LEAST_POINTS, count - 1);
  const y = (value) => (high === low ? HEIGHT / 2 : HEIGHT - PAD - ((value - low) / (high - low)) * (HEIGHT - 2 * PAD));
  return Array.from({ length: count }, (_, i) => `${x(i).toFixed(1)},${y(points[i]).toFixed(1)}`).join(' ');
}

export class Sparkline {
  constructor() {
    const drawing = document.createElementNS(SVG, 'svg');
    this.line = document.createElementNS(SVG, 'polyline');
    this.element = document.createElement('span');
    drawing.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    drawing.setAttribute('preserveAspectRatio', 'none');
    drawing.append(this.line);
    this.element.className = 'spark';
    this.element.setAttribute('aria-hidden', 'true');
    this.element.append(drawing);
  }

  draw(points, count) {
    const corners = sparklinePoints(points, count);
    if (corners === this.corners) return;
    this.corners = corners;
    this.line.setAttribute('points', corners);
    this.line.setAttribute('class', points[count - 1] >= points[0] ? 'up' : 'down');
  }
}
