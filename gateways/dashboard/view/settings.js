// What the user chose, in the browser's storage where there is one; the token in the tab's storage only.
import { Watchlist } from '../market/watchlist.js';

const PREFIX = 'tickwire.';

function read(storage, name) {
  try {
    return globalThis[storage].getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(storage, name, value) {
  try {
    if (value === undefined) globalThis[storage].removeItem(PREFIX + name);
    else globalThis[storage].setItem(PREFIX + name, value);
  } catch { /* private windows may have no storage: the choice lasts as long as the page */ }
}

export class Settings {
  text(name) {
    return read('localStorage', name);
  }

  keep(name, value) {
    write('localStorage', name, `${value}`);
  }

  choice(name, otherwise, offered) {
    const had = this.text(name);
    return offered.includes(had) ? had : otherwise;
  }

  number(name, otherwise, offered) {
    const had = Number(this.text(name) ?? NaN);
    return offered.includes(had) ? had : otherwise;
  }

  /** undefined: nothing was ever chosen. */
  watchlist() {
    const text = this.text('watchlist');
    return text === undefined ? undefined : Watchlist.parse(text);
  }

  token() {
    return (this.memory ??= read('sessionStorage', 'token'));
  }

  keepToken(token) {
    this.memory = token;
    write('sessionStorage', 'token', token);
  }

  /** Orders that the venue has not confirmed, for the next page of this tab. */
  orders(account) {
    try {
      const list = JSON.parse(read('sessionStorage', `orders.${account}`) ?? '[]');
      return Array.isArray(list) ? list.filter((one) => typeof one?.request?.client_order_id === 'string') : [];
    } catch {
      return [];
    }
  }

  keepOrders(account, list) {
    write('sessionStorage', `orders.${account}`, list.length > 0 ? JSON.stringify(list) : undefined);
  }

  /** Connects the page's controls: `name` -> [present value, told a new one]. */
  bind(controls) {
    this.#select('depth', ...controls.depth);
    this.#select('pace', ...controls.pace);
    this.#buttons('interval', ...controls.interval);
    this.#tabs();
    this.#theme();
  }

  #select(name, value, changed) {
    const control = document.getElementById(`choose-${name}`);
    control.value = `${value}`;
    control.addEventListener('change', () => {
      this.keep(name, control.value);
      changed(Number(control.value));
    });
  }

  // A group of which one is pressed; arrows go from one to the next.
  #buttons(name, value, changed) {
    const buttons = [...document.querySelectorAll(`#choose-${name} [role=radio]`)];
    const press = (pressed, tell) => {
      for (const button of buttons) {
        button.setAttribute('aria-checked', `${button === pressed}`);
        button.tabIndex = button === pressed ? 0 : -1;
      }
      if (tell) {
        this.keep(name, pressed.value);
        changed(pressed.value);
      }
    };
    for (const button of buttons) button.addEventListener('click', () => press(button, true));
    document.getElementById(`choose-${name}`).addEventListener('keydown', (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      const next = buttons[(buttons.indexOf(document.activeElement) + by + buttons.length) % buttons.length];
      next.focus();
      press(next, true);
    });
    press(buttons.find((button) => button.value === value), false);
  }

  // On a narrow page one part is seen at a time.
  #tabs() {
    const tabs = [...document.querySelectorAll('#tabs button')];
    this.showTab = (name) => {
      document.body.dataset.tab = name;
      for (const tab of tabs) tab.setAttribute('aria-pressed', `${tab.value === name}`);
    };
    for (const tab of tabs) tab.addEventListener('click', () => this.showTab(tab.value));
    this.showTab(document.body.dataset.tab);
  }

  #theme() {
    const control = document.getElementById('choose-theme');
    control.value = document.documentElement.dataset.themeChoice;
    control.addEventListener('change', () => document.dispatchEvent(new CustomEvent('themechoice', { detail: control.value })));
  }
}
