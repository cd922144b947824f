// Runs before the first paint, so that a page in the chosen theme never flashes in the other one.
const chosen = localStorage.getItem('reveille.theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
