import { Type, type Static } from './schema.ts';

/** What a person proves itself with: body of `POST /api/login`. */
export const LoginRequest = Type.Object({
  username: Type.String({ minLength: 1 }),
  password: Type.String({ minLength: 1 }),
});
export type LoginRequest = Static<typeof LoginRequest>;

/** Answer to a login, and to `POST /api/login/refresh`. */
export const TokenPair = Type.Object({
  access_token: Type.String(),
  refresh_token: Type.String(),
});
export type TokenPair = Static<typeof TokenPair>;

/** Answer to `GET /api/login/refresh`. */
export const AccessToken = Type.Object({ access_token: Type.String() });
export type AccessToken = Static<typeof AccessToken>;

/** Body of `POST /api/v3/auth/revoke`. */
export const RevokeRequest = Type.Object({
  subject: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1024, description: 'Whose tokens to revoke; all if left out' }),
  ),
});
export type RevokeRequest = Static<typeof RevokeRequest>;
