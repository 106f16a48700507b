// How the page stands with the gateway, in words: what the mark in the head and the banner say of it. Green is only what is heard.
import { latencyOf } from '../format/time.js';

const PHASES = { idle: 'Stopped', connecting: 'Connecting', waiting: 'Away', refused: 'Signed out' };
const FIRST_DATA_MS = 1500; // after the greeting; before that it is too early to say that there are none
export const SIGN_IN = 'Sign in to see market data.';
export const NO_FEED = 'No feed is heard. The page is connected to the gateway, but no market data comes from its bus.';

const away = ({ retryAt }, now) => `Away, again in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`;

/**
 * `connection` of connection.js; `heard`: data, since it was opened; `nothingGiven`: all that is wanted was refused; `user`: who is signed
 * in. Gives { kind: 'good' | 'fair' | 'bad', text, said (without what changes all the time), note (for the banner, or undefined) }.
 */
export function standingOf(connection, { heard, nothingGiven, user }, now) {
  const { phase, silent, clock, since } = connection;
  if (phase === 'waiting') return { kind: 'bad', text: away(connection, now), said: PHASES[phase] };
  if (phase !== 'open') return { kind: phase === 'connecting' ? 'fair' : 'bad', text: PHASES[phase], said: PHASES[phase] };
  const plain = (text, note) => ({ kind: 'fair', text, said: text, note });
  if (silent) return plain('Silent');
  if (nothingGiven) return user === undefined ? plain('Signed out', SIGN_IN) : plain('Connected, no data');
  if (!heard) return now - since < FIRST_DATA_MS ? plain('Connected') : plain('Connected, no data', NO_FEED);
  return { kind: 'good', text: clock.roundTrip === undefined ? 'Live' : `Live ${latencyOf(clock.roundTrip)}`, said: 'Live' };
}
