// Decimals that floating point would spoil.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changePercent, decimalOf, difference, grouped, scaled, short, trimmed } from '../../gateways/dashboard/format/decimal.js';
import { clockOf, latencyOf, secondsOf, spanOf } from '../../gateways/dashboard/format/time.js';

test('a decimal is scaled by leaving its point out, exactly, however long', () => {
  for (const [text, value] of [['189.1200', 1891200], ['0.0001', 1], ['-3.50', -350], ['100', 100], ['999999999999999', 999999999999999],
    ['9007199254740993', 9007199254740993n], ['922337203685477.5807', 9223372036854775807n], ['-922337203685477.5808', -9223372036854775808n]])
    assert.equal(scaled(text), value, text);
});

test('equal numbers are equal whatever their length, and order holds between short and long ones', () => {
  assert.equal(scaled('0000000000000012.0000'), scaled('12.0000'));
  assert.ok(scaled('9007199254740993') > scaled('1') && scaled('-9007199254740993') < scaled('1'));
});

test('a scaled number becomes the same decimal again', () => {
  for (const text of ['189.1200', '0.0001', '-3.50', '100', '922337203685477.5807', '-922337203685477.5808', '-0.0001'])
    assert.equal(decimalOf(scaled(text), text.includes('.') ? text.length - text.indexOf('.') - 1 : 0), text);
});

test('changes are exact and rounded half away from zero', () => {
  for (const [a, b, difference_, percent] of [['48.6800', '48.6400', '+0.0400', '+0.08%'], ['48.6400', '48.6800', '-0.0400', '-0.08%'], ['1.00', '1.00', '0.00', '0.00%'],
    ['100.005', '100', '+0.005', '+0.01%'], ['99.995', '100', '-0.005', '-0.01%'], ['0.3', '0.1', '+0.2', '+200.00%'], ['1', '0', '+1', '']]) {
    assert.equal(difference(a, b), difference_, `${a} - ${b}`);
    assert.equal(changePercent(a, b), percent, `${a} of ${b}`);
  }
});

test('zeros that say nothing are cut, thousands are grouped', () => {
  assert.deepEqual(['189.1200', '0.5005', '12.0000', '7', '1.00'].map((text) => trimmed(text)), ['189.12', '0.5005', '12.00', '7', '1.00']);
  assert.equal(trimmed('300.00', 0), '300');
  assert.equal(trimmed('300.50', 0), '300.5');
  assert.deepEqual(['1', '999', '1000', '1234567', '1234567.1234', '-1234'].map(grouped), ['1', '999', '1,000', '1,234,567', '1,234,567.1234', '-1,234']);
  assert.deepEqual([0, 999, 12_345, 1_234_567, 9.99e9].map(short), ['0', '999', '12.3k', '1.23M', '9.99B']);
});

test('times of the stream keep their nanoseconds', () => {
  assert.equal(clockOf('1795254939226006732', 9), '09:55:39.226006732');
  assert.equal(clockOf('1795254939226006732'), '09:55:39');
  assert.equal(secondsOf('1795254939999999999'), 1795254939);
  assert.deepEqual([0.085, 1.239, 12.34, 3100].map(latencyOf), ['85 µs', '1.24 ms', '12.3 ms', '3.1 s']);
  assert.deepEqual([400, 12_900, 185_000, 7_800_000, 260_000_000].map(spanOf), ['0.4 s', '12 s', '3 min 5 s', '2 h 10 min', '3 days']);
});
