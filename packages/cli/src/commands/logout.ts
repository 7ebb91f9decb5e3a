import { isMillraceError } from '@millrace/client';
import { defineCommand } from '../command.ts';

export const logout = defineCommand({
  name: 'logout',
  summary: 'end the session and forget it',
  description:
    'The address of the server stays in the profile. millrace profile rm removes the profile itself.',
  arguments: {},
  options: {},
  examples: [['millrace logout --profile studio', 'the session of one profile']],
  async run(_args, _options, context) {
    const { profiles, signal } = context;
    const name = await profiles.currentName();
    const profile = await profiles.read(name);
    if (profile === undefined || (profile.access_token === '' && profile.refresh_token === '')) {
      context.note(`Profile ${name} is not logged in.`);
      return;
    }
    const { client, settled, profile: used } = await context.connection();
    try {
      if (used !== undefined) await client.logout({ signal });
    } catch (error) {
      // What has ended already, or cannot be reached, or cannot be ended (by Core), is forgotten all the same.
      if (!isMillraceError(error)) throw error;
      const isOver = error.code === 'login' || error.status === 401;
      if (!isOver)
        context.warn(
          `the server has not ended the session, its tokens run out by themselves: ${error.message}`,
        );
    }
    await settled();
    await profiles.write(name, { ...profile, access_token: '', refresh_token: '' });
    context.note(`Profile ${name} is logged out.`);
  },
});
