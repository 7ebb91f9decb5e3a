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
