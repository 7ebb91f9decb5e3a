import { Type, type Static } from './schema.ts';

/** Any JSON value that a client keeps in the server, by key. */
export const Metadata = Type.Unknown();
export type Metadata = Static<typeof Metadata>;
