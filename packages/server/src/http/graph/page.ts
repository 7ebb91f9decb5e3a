import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';

const STYLE = `
body { font: 15px/1.4 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
form { display: flex; gap: .5rem; flex-wrap: wrap; margin-block: .5rem; }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
textarea, pre { box-sizing: border-box; width: 100%; font: 13px/1.4 ui-monospace, monospace; margin: 0; }
pre { border: 1px solid #888; padding: .5rem; overflow: auto; max-height: 80vh; }
@media (width < 50rem) { main { grid-template-columns: 1fr; } }
`;

const SCRIPT = `
const form = (id) => document.getElementById(id);
let token = '';
const post = (path, body) => fetch(path, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(token && { authorization: 'Bearer ' + token }) },
  body: JSON.stringify(body),
});
const show = (text) => { form('answer').textContent = text; };
form('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { username, password } = event.target.elements;
  const answer = await post('login', { username: username.value, password: password.value });
  const body = await answer.json();
  if (!answer.ok) return show(JSON.stringify(body, null, 2));
  token = body.access_token;
  password.value = '';
  show('Logged in.');
});
form('query').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const { query, variables } = event.target.elements;
    const answer = await post('graph/query', { query: query.value, variables: JSON.parse(variables.value || '{}') });
    show(JSON.stringify(await answer.json(), null, 2));
  } catch (error) {
    show(String(error));
  }
});
`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>GraphQL</title>
<style>${STYLE}</style>
</head>
<body>
<h1>GraphQL</h1>
<form id="login">
<input name="username" aria-label="User name" placeholder="User name" autocomplete="username">
<input name="password" aria-label="Password" placeholder="Password" type="password" autocomplete="current-password">
<button>Log in</button>
</form>
<main>
<form id="query">
<textarea name="query" aria-label="Query" rows="20" spellcheck="false">{
  about { name version { number } }
  processes { id reference state { order state last_logline } }
}</textarea>
<textarea name="variables" aria-label="Variables" rows="4" spellcheck="false" placeholder='Variables: {"id": "…"}'></textarea>
<button>Run</button>
</form>
<pre id="answer" role="status"></pre>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** Nothing but what is in the page itself, and requests to this server. */
const POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(SCRIPT)}'`,
  `style-src '${hashOf(STYLE)}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** Sends the page to write queries on. Its addresses are relative, as it may be below the path of a proxy. */
export function sendGraphPage(reply: FastifyReply): FastifyReply {
  return reply
    .header('content-type', 'text/html; charset=UTF-8')
    .header('content-security-policy', POLICY)
    .send(PAGE);
}
