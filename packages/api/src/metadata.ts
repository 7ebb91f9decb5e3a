import Type from 'typebox';

/** Any JSON value that a client keeps in the server, by key. */
export const Metadata = Type.Unknown();
export type Metadata = Type.Static<typeof Metadata>;
