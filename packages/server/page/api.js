const STORE = 'millrace.session';
/** The access token is renewed so long before it expires. */
const REFRESH_AHEAD_SECONDS = 60;

/** An answer that is not a success, or none (status 0), in words for the person who reads it. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The server's API. Dispatches `signedout` when the session has ended and cannot be renewed. */
export class Api extends EventTarget {
  #session = JSON.parse(sessionStorage.getItem(STORE) ?? '{}');
  #timer;
  #refreshing;

  /** What the server says about itself; `id` is there only for those who may use it. */
  async about() {
    if (this.#session.refresh && this.#timer === undefined) {
      await this.#refresh().catch((error) => {
        if (error.status !== 401) throw error;
        this.#forget();
      });
    }
    return this.call('GET', '');
  }

  /** Whether there is a session that can be ended. */
  get hasSession() {
    return this.#session.access !== undefined;
  }

  async login(username, password) {
    const answer = await send('POST', '/login', undefined, { username, password });
    if (answer.status === 401) throw new ApiError(401, 'The user name or the password is wrong.');
    const { access_token: access, refresh_token: refresh } = await success(answer);
    this.#remember({ access, refresh });
  }

  async logout() {
    const { access } = this.#session;
    this.#forget();
    await send('POST', '/logout', access);
  }

  /** Calls the API with the session's token; one that has expired in the meantime is renewed. */
  async call(method, path, body) {
    let answer = await send(method, path, this.#session.access, body);
    if (answer.status === 401 && this.#session.refresh) {
      try {
        await this.#refresh();
      } catch (error) {
        if (error.status !== 401) throw error;
        this.#forget();
        this.dispatchEvent(new Event('signedout'));
        throw new ApiError(401, 'The session has ended. Please log in again.');
      }
      answer = await send(method, path, this.#session.access, body);
    }
    return success(answer);
  }

  #refresh() {
    this.#refreshing ??= (async () => {
      const { refresh } = this.#session;
      const { access_token: access } = await success(await send('GET', '/login/refresh', refresh));
      if (this.#session.refresh === refresh) this.#remember({ access, refresh });
    })().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  #remember(session) {
    this.#session = session;
    sessionStorage.setItem(STORE, JSON.stringify(session));
    const seconds = Math.max(lifetime(session.access) - REFRESH_AHEAD_SECONDS, 10);
    clearTimeout(this.#timer);
    // A failure here shows at the next call, which tries again.
    this.#timer = setTimeout(() => this.#refresh().catch(() => undefined), seconds * 1000);
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#session = {};
    sessionStorage.removeItem(STORE);
  }
}

/** The lifetime of a token in seconds, as its claim `exi` says. */
function lifetime(token) {
  const claims = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(atob(claims)).exi;
}

async function send(method, path, token, body) {
  const headers = { accept: 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers['content-type'] = 'application/json';
  try {
    // Relative, as a proxy may serve all of it below a path of its own.
    return await fetch(`../api${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
      cache: 'no-store',
    });
  } catch {
    throw new ApiError(0, 'The server does not answer.');
  }
}

async function success(answer) {
  const body = await answer.json().catch(() => undefined);
  if (answer.ok) return body;
  throw new ApiError(answer.status, words(answer, body));
}

function words(answer, body) {
  if (answer.status === 429) {
    return `Too many attempts. Please wait ${answer.headers.get('retry-after') ?? 'some'} seconds.`;
  }
  if (answer.status === 403) return 'This server does not allow access from your address.';
  const details = body?.details?.filter((detail) => detail !== body.message) ?? [];
  return [body?.message ?? `The server answered with status ${answer.status}`, ...details].join(': ');
}
