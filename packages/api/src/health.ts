import { Type, type Static } from './schema.ts';

const verdict = Type.String({ description: '`ok` or `failed`' });

/** Answer of `GET /health/live`. */
export const Liveness = Type.Object({ status: verdict });
export type Liveness = Static<typeof Liveness>;

/** Answer of `GET /health/ready`: what the server needs for its work, by name. */
export const Readiness = Type.Object({ status: verdict, checks: Type.Record(Type.String(), verdict) });
export type Readiness = Static<typeof Readiness>;
