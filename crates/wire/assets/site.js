// The one script of all pages: copies what stands beside a button, and asks before what cannot be undone.
'use strict';

document.addEventListener('click', async (event) => {
  const button = event.target instanceof Element ? event.target.closest('button[data-copy]') : null;
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  const text = source.dataset.full ?? source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or a page without TLS: what is selected can be copied by hand.
    getSelection()?.selectAllChildren(source);
    return;
  }
  // What stands behind its word says, to those who do not see it, what it copies.
  const word = button.firstElementChild ?? button;
  word.dataset.before ??= word.textContent;
  word.textContent = button.dataset.copied ?? word.dataset.before;
  setTimeout(() => { word.textContent = word.dataset.before; }, 1500);
});

document.addEventListener('submit', (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
