// How the page stands (stream/standing.js): the mark in the head, the banner while anything that is shown may not be believed, the sign-in.
import { spanOf, wallClock } from '../format/time.js';
import { causeWords } from '../market/state.js';
import { Mark, TextCell } from './dom.js';

export class ConnectionView {
  constructor(app, loop) {
    this.app = app;
    this.pill = document.getElementById('connection');
    this.pillText = new TextCell(document.getElementById('connection-text'));
    this.said = new TextCell(document.getElementById('connection-said')); // read aloud, so without what changes all the time
    this.kind = new Mark(this.pill, 'data-kind');
    this.banner = document.getElementById('banner');
    this.bannerText = new TextCell(document.getElementById('banner-text'));
    this.bannerSince = new TextCell(document.getElementById('banner-since'));
    this.bannerKind = new Mark(this.banner, 'data-kind');
    this.staleness = new Mark(document.body, 'data-stale');
    this.every = 100;
    this.mark = loop.add(this);
  }

  draw() {
    this.standing = this.app.standing;
    this.#drawPill();
    this.#drawBanner();
  }

  #drawPill() {
    const { kind, text, said } = this.standing;
    this.kind.set(kind);
    this.said.set(`Connection: ${said.toLowerCase()}`);
    this.pillText.set(text);
  }

  #drawBanner() {
    const found = this.#finding();
    this.banner.hidden = found === undefined;
    const one = this.app.current, trust = one && this.app.trustOf(one);
    this.staleness.set(this.app.away ? 'all' : trust && trust.state !== 'OK' && trust.state !== 'CLOSED' ? 'instrument' : trust?.state === 'CLOSED' ? 'closed' : undefined);
    if (!found) return;
    this.bannerText.set(found.words);
    const now = this.app.connection.now();
    this.bannerSince.set(found.since === undefined ? '' : `since ${wallClock(found.since)}, ${spanOf(now - found.since)}`);
    this.bannerKind.set(found.kind);
  }

  #finding() {
    const { away, connection, current, refusal } = this.app;
    if (away && !(connection.phase === 'connecting' && connection.counts.opened === 0))
      return { kind: 'bad', since: away.since, words: `Not live: ${causeWords(away.cause)}${connection.reason ? ` (${connection.reason})` : ''}. Prices below are the last ones heard.` };
    const words = this.standing.note ?? refusal;
    if (words) return { kind: 'fair', words };
    const trust = current && this.app.trustOf(current);
    if (!trust || trust.state === 'OK' || trust.cause === 'PAGE_WAITING') return undefined;
    if (trust.state === 'CLOSED') return { kind: 'note', since: trust.since, words: `${current.symbol}: ${causeWords(trust.cause) || 'closed'}. The last state is final.` };
    return { kind: trust.state === 'STALE' ? 'bad' : 'fair', since: trust.since, words: `${current.symbol} is ${trust.state}: ${causeWords(trust.cause)} (${trust.cause}). Prices are not live.` };
  }
}

/** A token, kept for as long as the tab is open and nowhere else. */
export class SignIn {
  constructor(app) {
    this.app = app;
    this.dialog = document.getElementById('sign-in');
    this.why = document.getElementById('sign-in-why');
    this.input = document.getElementById('sign-in-token');
    this.button = document.getElementById('sign-in-open');
    this.who = new TextCell(document.getElementById('user'));
    this.button.addEventListener('click', () => (app.token() ? this.#leave() : this.ask('')));
    document.getElementById('sign-in-cancel').addEventListener('click', () => this.dialog.close());
    this.dialog.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      const token = this.input.value.trim();
      this.input.value = '';
      this.dialog.close();
      if (token) app.signIn(token);
    });
    this.told();
  }

  /** Shows the field; `why` is what the server said. */
  ask(why) {
    this.why.textContent = why;
    if (!this.dialog.open) this.dialog.showModal();
  }

  told() {
    const { user } = this.app;
    this.button.textContent = this.app.token() ? 'Sign out' : 'Sign in';
    this.button.title = user ? `Signed in as ${user}` : '';
    this.who.set(user ?? '');
  }

  #leave() {
    this.app.signIn(undefined);
  }
}
