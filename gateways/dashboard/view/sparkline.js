// A few dozen points as a line on a small canvas.

const LEAST_POINTS = 12; // of the whole width, so that the first two are not a line across it

export function drawSparkline(canvas, points, count, colours) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  if (canvas.width !== canvas.clientWidthKnown * ratio) {
    canvas.width = canvas.clientWidthKnown * ratio;
    canvas.height = canvas.clientHeightKnown * ratio;
  }
  const context = canvas.getContext('2d'), { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (count < 2) return;
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < count; i++) {
    if (points[i] < low) low = points[i];
    if (points[i] > high) high = points[i];
  }
  const span = high - low || 1, pad = 2 * ratio;
  const x = (i) => (i * (width - ratio)) / Math.max(LEAST_POINTS, count - 1), y = (value) => height - pad - ((value - low) / span) * (height - 2 * pad);
  context.beginPath();
  for (let i = 0; i < count; i++) context.lineTo(x(i), high === low ? height / 2 : y(points[i]));
  context.lineWidth = 1.25 * ratio;
  context.lineJoin = 'round';
  context.strokeStyle = points[count - 1] >= points[0] ? colours.up : colours.down;
  context.stroke();
}
