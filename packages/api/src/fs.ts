import { Type, type Static } from './schema.ts';

/** A filesystem of `GET /api/v3/fs`. */
export const FilesystemInfo = Type.Object({
  name: Type.String(),
  type: Type.String({ description: 'disk, mem or s3' }),
  mount: Type.String({ description: 'The path below which its files are served' }),
});
export type FilesystemInfo = Static<typeof FilesystemInfo>;

/** A file of `GET /api/v3/fs/{name}`. */
export const FileInfo = Type.Object({
  name: Type.String({ description: 'Full path below the root of the filesystem' }),
  size_bytes: Type.Integer(),
  last_modified: Type.Integer({ description: 'Unix time in seconds' }),
});
export type FileInfo = Static<typeof FileInfo>;
