for (const table of document.querySelectorAll('table')) {
  table.querySelectorAll('thead th').forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const now = head.getAttribute('aria-sort');
      // Figures are first wanted from the largest down, words from A on.
      const up = now ? now === 'descending' : !head.classList.contains('number');
      for (const other of table.querySelectorAll('thead th')) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const key = (row) => row.children[column].dataset.key;
      const text = (row) => row.children[column].textContent;
      const sign = up ? 1 : -1;
      // Rows without a figure stay last, whichever way.
      const order = (a, b) =>
        (key(a) === undefined) - (key(b) === undefined) ||
        sign * (key(a) === undefined
          ? text(a).localeCompare(text(b), 'en', {numeric: true})
          : key(a) - key(b));
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
      document.getElementById('sorted').textContent =
        `${table.caption.textContent}: sorted by ${button.textContent}, ` +
        (up ? 'ascending' : 'descending');
    });
  });
}
