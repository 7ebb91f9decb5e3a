export { ApiErrorBody } from './error.ts';
export {
  ConfigAnswer,
  ConfigConflictBody,
  ConfigData,
  ConfigOidcProvider,
  ConfigS3,
  ConfigStatus,
  ConfigTenant,
  ConfigVersion,
} from './config.ts';
export { FileInfo, FilesystemInfo } from './fs.ts';
export { About, AboutMinimal } from './about.ts';
export { AccessToken, LoginRequest, RevokeRequest, TokenPair } from './auth.ts';
