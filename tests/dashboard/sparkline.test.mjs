import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparklinePoints } from '../../gateways/dashboard/view/sparkline.js';

const corners = (points, count = points.length) => sparklinePoints(Float64Array.from(points), count).split(' ').map((corner) => corner.split(',').map(Number));

test('a sparkline: nothing of less than two points, a level line where nothing moves', () => {
  assert.equal(sparklinePoints(new Float64Array(40), 0), '');
  assert.equal(sparklinePoints(Float64Array.of(5, 0, 0), 1), '');
  assert.deepEqual(corners([7, 7, 7]).map(([, y]) => y), [10, 10, 10]);
});

test('the lowest is at the bottom, the highest at the top, time goes to the right over the whole width', () => {
  const twenty = corners(Array.from({ length: 20 }, (_, i) => 100 + i));
  assert.deepEqual([twenty[0], twenty.at(-1)], [[0, 18], [51, 2]]);
  assert.ok(twenty.every(([x, y], i) => i === 0 || (x > twenty[i - 1][0] && y < twenty[i - 1][1])));
});

test('a few points keep to the left; what is not yet filled is not drawn', () => {
  const two = corners([1, 2, 0, 0, 0], 2);
  assert.equal(two.length, 2);
  assert.ok(two[1][0] < 10, `${two[1][0]}`);
});
