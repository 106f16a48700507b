// Light, dark, or as the system has it. Loaded before the page is drawn, so that it never shows the wrong one first.
(() => {
  const KEY = 'tickwire.theme', root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const stored = () => {
    try {
      return localStorage.getItem(KEY) ?? 'auto';
    } catch {
      return 'auto';
    }
  };
  const apply = (choice) => {
    root.dataset.theme = choice === 'auto' ? (dark.matches ? 'dark' : 'light') : choice;
    root.dataset.themeChoice = choice;
    document.dispatchEvent(new Event('themechange'));
  };
  dark.addEventListener('change', () => apply(root.dataset.themeChoice));
  document.addEventListener('themechoice', ({ detail }) => {
    try {
      localStorage.setItem(KEY, detail);
    } catch { /* the choice then lasts as long as the page */ }
    apply(detail);
  });
  apply(stored());
})();
