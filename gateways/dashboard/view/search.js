// Symbol search: a combobox over the directory. "/" goes there from anywhere; arrows, Enter and Escape do what they should.
import { tradingWords } from '../market/state.js';
import { el } from './dom.js';

const MOST = 40;

export class SearchView {
  constructor(app) {
    this.app = app;
    this.input = document.getElementById('search');
    this.list = document.getElementById('search-results');
    this.finds = [];
    this.at = 0;
    this.input.addEventListener('input', () => this.#find());
    this.input.addEventListener('focus', () => this.#find());
    this.input.addEventListener('blur', () => this.#close());
    this.input.addEventListener('keydown', (event) => this.#key(event));
    this.list.addEventListener('pointerdown', (event) => {
      event.preventDefault(); // the field keeps the focus
      const option = event.target.closest('[role=option]');
      if (option) this.#choose(Number(option.dataset.index));
    });
    document.addEventListener('keydown', (event) => {
      const typing = event.target.closest?.('input, textarea, select, dialog');
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.input.focus();
      this.input.select();
    });
  }

  #find() {
    this.finds = this.app.directory.search(this.input.value, MOST);
    this.at = 0;
    this.list.replaceChildren(...(this.finds.length > 0 ? this.finds.map((one, index) => this.#option(one, index)) : [this.#nothing()]));
    this.list.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
    this.#point();
  }

  #option({ key, symbol, name, mic, trading }, index) {
    const listed = this.app.watchlist.has(key);
    return el('li', { role: 'option', id: `find-${index}`, 'data-index': `${index}`, 'aria-selected': 'false' },
      el('span', { class: 'symbol' }, symbol), el('span', { class: 'name' }, name ?? ''),
      el('span', { class: 'note' }, listed ? 'in the list' : tradingWords(trading)), el('span', { class: 'mic' }, mic));
  }

  #nothing() {
    const none = this.app.directory.byKey.size === 0;
    return el('li', { class: 'nothing' }, none ? 'The directory has not come yet' : 'Nothing found');
  }

  #point() {
    [...this.list.children].forEach((option, index) => option.getAttribute('role') && option.setAttribute('aria-selected', `${index === this.at}`));
    if (this.finds.length === 0) {
      this.input.removeAttribute('aria-activedescendant');
      return;
    }
    this.input.setAttribute('aria-activedescendant', `find-${this.at}`);
    this.list.children[this.at].scrollIntoView({ block: 'nearest' });
  }

  #key(event) {
    if (event.key === 'Escape') {
      this.input.value = '';
      this.input.blur();
      return;
    }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') this.at = Math.min(this.finds.length - 1, Math.max(0, this.at + (event.key === 'ArrowDown' ? 1 : -1)));
    else if (event.key === 'Enter') this.#choose(this.at);
    else return;
    event.preventDefault();
    if (!this.list.hidden) this.#point();
  }

  #choose(index) {
    const found = this.finds[index];
    if (!found) return;
    this.input.value = '';
    this.input.blur();
    this.app.add(found.key);
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }
}
