import { Client } from '@millrace/client';
import { defineCommand, flag, optionalWord, text } from '../command.ts';
import { checkedUrl, DEFAULT_URL, isPrivate } from '../connection.ts';
import type { Context } from '../context.ts';
import { variable } from '../environment.ts';
import { CommandError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Profile } from '../profiles.ts';
import { ask, askHidden, readSecret } from '../terminal/prompt.ts';

export const login = defineCommand({
  name: 'login',
  summary: 'log in to a server and remember the session',
  description: `The session is kept in a profile, a file that only you can read; the password is not. The profile is used from then on. Name others with --profile to work with several servers.

A session lasts as long as its refresh token, a day by default. Then commands end with exit code 8 until you log in again; top and logs --follow go on with the new session if you do so before. With MILLRACE_USERNAME and MILLRACE_PASSWORD in the environment, commands log in by themselves as often as they have to, without a profile.`,
  arguments: { address: optionalWord('address of the server; that of the profile if left out') },
  options: {
    username: text('who logs in; asked for if left out', 'name', { short: 'u' }),
    passwordStdin: flag('read the password from the standard input'),
    tokenStdin: flag('log in with the token of Auth0 or another provider, read from the standard input'),
  },
  examples: [
    ['millrace login http://127.0.0.1:8080', 'on this machine'],
    ['millrace login --profile studio https://studio.example.com', 'another server, under a name of its own'],
    [
      'pass show millrace | millrace login -u admin --password-stdin',
      'with the password from a password manager',
    ],
  ],
  async run({ address }, { username, passwordStdin, tokenStdin }, context) {
    if (passwordStdin && tokenStdin)
      throw new UsageError('--password-stdin and --token-stdin exclude each other');
    const { profiles, env, signal, settings } = context;
    const name = await profiles.currentName();
    const before = await profiles.read(name);
    const url = checkedUrl(
      address ?? settings.url ?? variable(env, 'MILLRACE_URL') ?? before?.url ?? DEFAULT_URL,
    );
    const timeout = settings.timeout === undefined ? undefined : settings.timeout * 1000;
    const stranger = new Client({ baseUrl: url, timeout });
    const about = await stranger.about({ signal });

    const profile: Profile = { url, username: '', access_token: '', refresh_token: '' };
    if ('id' in about && about.id !== '') {
      await remember(profile, 'nobody has to log in there');
      return;
    }
    if (!isPrivate(url)) context.warn(`what is sent to ${url} can be read on the way there: use https`);
    const known = before?.url === url ? before.username : '';
    const credentials = tokenStdin
      ? { auth0Token: await secret(context, 'token') }
      : await askCredentials(context, username ?? variable(env, 'MILLRACE_USERNAME'), known, passwordStdin);
    const client = new Client({ baseUrl: url, timeout, ...credentials });
    await client.login({ signal });
    const { accessToken = '', refreshToken = '' } = client.tokens();
    const who = 'username' in credentials ? credentials.username : '';
    await remember(
      { url, username: who, access_token: accessToken, refresh_token: refreshToken },
      who === '' ? 'logged in' : `logged in as ${who}`,
    );

    async function remember(fresh: Profile, what: string): Promise<void> {
      await profiles.write(name, fresh);
      await profiles.use(name);
      context.show(
        { profile: name, url, username: fresh.username },
        () => `${url}: ${what} (profile ${name})`,
      );
    }
  },
});

async function askCredentials(
  context: Context,
  given: string | undefined,
  known: string,
  fromStdin: boolean,
): Promise<{ username: string; password: string }> {
  const username = given ?? (fromStdin ? known : await ask(context, 'User', known));
  if (username === '') {
    throw new UsageError('it is not said who logs in', 'name the user with --username');
  }
  const fromEnv = variable(context.env, 'MILLRACE_PASSWORD');
  if (fromStdin) return { username, password: await secret(context, 'password') };
  return { username, password: fromEnv ?? (await askHidden(context, 'Password')) };
}

async function secret({ stdin }: Context, what: string): Promise<string> {
  const text = await readSecret(stdin);
  if (text !== '') return text;
  throw new CommandError(`there is no ${what} in the standard input`, { exitCode: EXIT.usage });
}
