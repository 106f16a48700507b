// A question before something that can't be taken back. Escape and "Back" are no.

export class Confirm {
  constructor() {
    this.dialog = document.getElementById('confirm');
    this.title = document.getElementById('confirm-title');
    this.why = document.getElementById('confirm-why');
    this.yes = document.getElementById('confirm-yes');
    this.no = document.getElementById('confirm-no');
  }

  /** Resolves to true or false. `ready`: the focus is on yes, because yes is the safe way; else on no. */
  ask({ title, reasons, yes, ready = false }) {
    const { dialog } = this;
    if (dialog.open) return Promise.resolve(false);
    this.title.textContent = title;
    this.why.replaceChildren(...reasons.map((reason) => Object.assign(document.createElement('li'), { textContent: reason })));
    this.yes.textContent = yes;
    dialog.returnValue = '';
    dialog.showModal();
    (ready ? this.yes : this.no).focus();
    return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true }));
  }
}
