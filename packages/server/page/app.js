import { Api } from './api.js';
import { StreamView } from './stream-view.js';

const LIST_MS = 5000;

const byId = (id) => document.getElementById(id);
const api = new Api();
const view = new StreamView(api, showNotice);
let listTimer;

api.addEventListener('signedout', () => showLogin('The session has ended. Please log in again.'));
byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void logIn(event.currentTarget);
});
byId('logout').addEventListener('click', () => {
  api.logout().catch(() => undefined);
  showLogin();
});
byId('processes').addEventListener('change', ({ currentTarget }) => {
  location.hash = encodeURIComponent(currentTarget.value);
  void watch();
});

await enter();

/** Goes where the person may be: to the stream, or to the login. */
async function enter() {
  try {
    const about = await api.about();
    showNotice();
    if (about.id === undefined || about.id === '') return showLogin();
    byId('about').textContent = `${about.name} · API ${about.version.number}`;
    byId('login').hidden = true;
    byId('logout').hidden = !api.hasSession;
    await watch();
  } catch (error) {
    showNotice(error);
    listTimer = setTimeout(enter, LIST_MS);
  }
}

async function logIn(form) {
  const button = form.querySelector('button');
  byId('login-error').textContent = '';
  button.disabled = true;
  button.textContent = 'Logging in …';
  try {
    await api.login(form.username.value, form.password.value);
    form.reset();
    await enter();
  } catch (error) {
    byId('login-error').textContent = error.message;
    form.password.select();
  } finally {
    button.disabled = false;
    button.textContent = 'Log in';
  }
}

function showLogin(reason = '') {
  clearTimeout(listTimer);
  view.close();
  showNotice();
  for (const id of ['stream', 'empty', 'picker', 'logout']) byId(id).hidden = true;
  byId('about').textContent = '';
  byId('login').hidden = false;
  byId('login-error').textContent = reason;
  byId('login').username.focus();
}

/** Shows the chosen process, or the first; looks again now and then, as processes come and go. */
async function watch() {
  clearTimeout(listTimer);
  try {
    const processes = (await api.call('GET', '/v3/process?filter=config')).flatMap(watchable);
    const chosen =
      processes.find(({ id }) => id === decodeURIComponent(location.hash.slice(1))) ?? processes[0];
    byId('stream').hidden = !chosen;
    byId('empty').hidden = chosen !== undefined;
    byId('picker').hidden = processes.length < 2;
    list(processes, chosen);
    if (chosen) view.show(chosen);
    else view.close();
  } catch (error) {
    if (error.status === 401) return;
    showNotice(error);
  }
  listTimer = setTimeout(watch, LIST_MS);
}

/** A process that writes an HLS playlist into the memory file system, with the address to play it from. */
function watchable({ id, config }) {
  const playlist = config.output
    .map(({ address }) => /^\{memfs\}(\/.+\.m3u8)$/.exec(address)?.[1])
    .find(Boolean);
  return playlist ? [{ id, playlist: `../memfs${encodeURI(playlist)}` }] : [];
}

function list(processes, chosen) {
  const select = byId('processes');
  const ids = processes.map(({ id }) => id);
  if (ids.join('\n') !== [...select.options].map(({ value }) => value).join('\n')) {
    select.replaceChildren(...ids.map((id) => new Option(id, id)));
  }
  if (chosen) select.value = chosen.id;
}

function showNotice(error) {
  byId('notice').hidden = error === undefined;
  byId('notice').textContent = error?.message ?? '';
}
