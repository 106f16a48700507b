// How far what is shown may be trusted: states, causes, and words for people.

const WORSE = { OK: 0, CLOSED: 1, RECOVERING: 2, STALE: 3 };

/** A state that no gateway knows: the page itself can't hear it. */
export const isLive = (state) => state === 'OK';
export const worseOf = (a, b) => ((WORSE[a] ?? 3) >= (WORSE[b] ?? 3) ? a : b);

const CAUSES = {
  STARTING: 'the feed has not begun',
  MID_SESSION: 'joined in the middle of a session: what came before is unknown',
  GAP: 'messages are missing and waited for',
  GAP_NOT_FILLED: 'messages are missing and will not come',
  LINE_SILENT: 'the exchange\'s line is silent',
  LINE_DOWN: 'the exchange\'s line is down',
  MALFORMED: 'the feed sent bytes that break its format',
  UNKNOWN_ORDER: 'a message names an order that was never seen',
  INCONSISTENT: 'a message contradicts the book',
  CAPACITY: 'a limit was reached and the book given up',
  UNSEQUENCED: 'the recording has no sequence numbers',
  END_OF_SESSION: 'the session has ended',
  BUS_AWAY: 'the gateway has lost the bus',
  FEED_SILENT: 'the publisher says nothing',
  CHAIN_BROKEN: 'an update is missing, a snapshot is awaited',
  CHECKSUM: 'the checksum does not match, a snapshot is awaited',
  PAGE_AWAY: 'this page is not connected to the gateway',
  PAGE_SILENT: 'nothing is heard from the gateway',
  PAGE_WAITING: 'waiting for the first data',
  PAGE_CHAIN: 'an update is missing on the way here, a snapshot is awaited',
  PAGE_CHECKSUM: 'the checksum does not match here, a snapshot is awaited',
};
export const causeWords = (cause) => CAUSES[cause] ?? (cause ? cause.toLowerCase().replaceAll('_', ' ') : '');

const TRADING = {
  UNKNOWN: '', PRE_OPEN: 'Pre-open', OPEN: 'Open', QUOTATION_ONLY: 'Quotation only', PAUSED: 'Paused', HALTED: 'Halted', CLOSED: 'Closed',
};
export const tradingWords = (trading) => TRADING[trading] ?? trading ?? '';

/** Trading is stopped though the market is open. */
export const isHalted = (trading) => trading === 'HALTED' || trading === 'PAUSED' || trading === 'QUOTATION_ONLY';
