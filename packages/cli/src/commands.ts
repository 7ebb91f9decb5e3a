import type { Command } from './command.ts';
import { completeWords, completion } from './commands/completion.ts';
import { configGet } from './commands/config-get.ts';
import { configReload } from './commands/config-reload.ts';
import { configSet } from './commands/config-set.ts';
import { CONTROL_COMMANDS } from './commands/control.ts';
import { exportCommand } from './commands/export.ts';
import { fsCp } from './commands/fs-cp.ts';
import { fsLs } from './commands/fs-ls.ts';
import { fsRm } from './commands/fs-rm.ts';
import { importCommand } from './commands/import.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { logs } from './commands/logs.ts';
import { probe } from './commands/probe.ts';
import { PROFILE_COMMANDS } from './commands/profile.ts';
import { ps } from './commands/ps.ts';
import { report } from './commands/report.ts';
import { resetPassword } from './commands/reset-password.ts';
import { rm } from './commands/rm.ts';
import { rtmp, rtmpKick } from './commands/rtmp.ts';
import { run } from './commands/run.ts';
import { sessions } from './commands/sessions.ts';
import { skills } from './commands/skills.ts';
import { srt, srtKick } from './commands/srt.ts';
import { top } from './commands/top.ts';

/** Commands with more than one word begin with one of these. */
export const GROUPS: Readonly<Record<string, string>> = {
  fs: 'list, copy and remove files on the server',
  config: 'show, change and reload the configuration of the server',
  profile: 'choose among servers',
};

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  login,
  logout,
  ps,
  top,
  run,
  ...CONTROL_COMMANDS,
  rm,
  logs,
  report,
  probe,
  skills,
  fsLs,
  fsCp,
  fsRm,
  sessions,
  rtmp,
  rtmpKick,
  srt,
  srtKick,
  configGet,
  configSet,
  configReload,
  exportCommand,
  importCommand,
  ...PROFILE_COMMANDS,
  resetPassword,
  completion,
  completeWords(() => ({ commands: COMMANDS, groups: GROUPS })),
];
