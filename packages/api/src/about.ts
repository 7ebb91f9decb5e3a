import { Type, type Static } from './schema.ts';

const AUTHS = Type.Array(Type.String(), { description: 'How to log in; empty if nobody needs to' });

/** Answer of `GET /api` to a caller who has logged in or need not. */
export const About = Type.Object({
  app: Type.Literal('datarhei-core'),
  auths: AUTHS,
  name: Type.String(),
  id: Type.String({ minLength: 1 }),
  created_at: Type.String({ description: 'Start of the present run, RFC 3339 with whole seconds' }),
  uptime_seconds: Type.Integer({ minimum: 0 }),
  version: Type.Object({
    number: Type.String({ description: 'Semantic version of the API' }),
    repository_commit: Type.String(),
    repository_branch: Type.String(),
    build_date: Type.String(),
    arch: Type.String({ description: 'Such as linux/amd64' }),
    compiler: Type.String(),
  }),
});
export type About = Static<typeof About>;

/** Answer of `GET /api` to everybody else. */
export const AboutMinimal = Type.Object({
  app: Type.Literal('datarhei-core'),
  auths: AUTHS,
  version: Type.Object({ number: Type.String({ description: 'The major version, as x.0.0' }) }),
});
export type AboutMinimal = Static<typeof AboutMinimal>;
